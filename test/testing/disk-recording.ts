import { dirname, relative } from 'node:path'
import { CALLS, openFileOf, pathsOf, type SystemCall, stringsOf } from './strace.ts'

/** What a process did to what is below a folder. Paths are relative to it; the folder itself is `.`. */
export type DiskChange =
  | { readonly kind: 'create' | 'remove'; readonly path: string; readonly file: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly file: number }
  | { readonly kind: 'make-folder'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly file: number; readonly bytes: Buffer }
  | { readonly kind: 'sync'; readonly path: string; readonly file: number | undefined; readonly covers: number }

/** Calls that change a disk in ways that nothing here does; if something ever does, the model has to learn them. */
const UNKNOWN =
  'creat writev pwritev pwritev2 ftruncate truncate fallocate sync syncfs link linkat symlink symlinkat rmdir'

/** The system calls to trace for a recording. */
export const DISK_CALLS: readonly string[] = [...Object.values(CALLS).flat(), ...UNKNOWN.split(' ')]

/** Collects what processes do below a folder, one process after the other. */
export class DiskRecording {
  readonly changes: DiskChange[] = []
  readonly #folder: string
  /** What each path stands for now. */
  readonly #files = new Map<string, number>()
  #filesEver = 0

  /** The folder must be empty, and durable. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Throws on calls that it does not understand, as a model that leaves something out proves nothing. */
  add(calls: readonly SystemCall[]): void {
    const changesBefore: number[] = []
    for (const call of calls) {
      changesBefore.push(this.changes.length)
      const paths = pathsOf(call).map((path) => relative(this.#folder, path) || '.')
      const isBelow = paths.length > 0 && paths.every((path) => !path.startsWith('..'))
      if (!isBelow || call.result < 0) continue
      const covers = changesBefore[call.begun] ?? 0
      const change = this.#changeOf(call, { path: paths[0] ?? '', to: paths[1] ?? '', covers })
      if (change !== undefined) this.changes.push(change)
    }
  }

  #changeOf(
    call: SystemCall,
    { path, to, covers }: { readonly path: string; readonly to: string; readonly covers: number },
  ): DiskChange | undefined {
    const isOne = (names: readonly string[]) => names.includes(call.name)
    if (isOne(CALLS.open)) return call.args.includes('O_CREAT') ? this.#create(path, call) : undefined
    if (call.name === 'write') return { kind: 'write', path, file: this.#fileAt(path), bytes: writtenBy(call) }
    if (isOne(CALLS.sync)) return { kind: 'sync', path, file: this.#files.get(path), covers }
    if (isOne(CALLS.rename)) return this.#rename(path, to)
    if (isOne(CALLS.remove)) return this.#remove(path)
    if (isOne(CALLS.makeFolder)) return { kind: 'make-folder', path }
    if (isOne(CALLS.read)) return undefined
    throw new Error(`The model of a disk does not know ${call.name}`)
  }

  #create(path: string, { args }: SystemCall): DiskChange {
    if (!args.includes('O_EXCL')) throw new Error(`The model of a disk knows new files only, and ${path} may be there`)
    const file = this.#filesEver++
    this.#files.set(path, file)
    return { kind: 'create', path, file }
  }

  #rename(path: string, to: string): DiskChange {
    const file = this.#fileAt(path)
    if (dirname(path) !== dirname(to)) throw new Error(`The model of a disk does not know moves between folders: ${to}`)
    this.#files.delete(path)
    this.#files.set(to, file)
    return { kind: 'rename', path, to, file }
  }

  #remove(path: string): DiskChange {
    const file = this.#fileAt(path)
    this.#files.delete(path)
    return { kind: 'remove', path, file }
  }

  #fileAt(path: string): number {
    const file = this.#files.get(path)
    if (file === undefined) throw new Error(`Nobody has made ${path}`)
    return file
  }
}

function writtenBy(call: SystemCall): Buffer {
  const [bytes = Buffer.alloc(0)] = stringsOf(call)
  if (bytes.length < call.result) throw new Error(`Of a write to ${openFileOf(call)} only a part was recorded`)
  return bytes.subarray(0, call.result)
}
