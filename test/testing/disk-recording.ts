import { dirname, relative } from 'node:path'
import { openFileOf, pathsOf, type SystemCall, stringsOf } from './strace.ts'

/** What a process did to what is below a folder. Paths are relative to it; the folder itself is `.`. */
export type DiskChange =
  | { readonly kind: 'create' | 'remove'; readonly path: string; readonly file: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly file: number }
  | { readonly kind: 'make-folder'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly file: number; readonly bytes: Buffer }
  | { readonly kind: 'sync'; readonly path: string; readonly file: number | undefined; readonly covers: number }

/** The system calls that change a disk, or make a change durable. */
export const DISK_CALLS = [
  ...['open', 'openat', 'creat', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'truncate'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink'],
  ...['unlink', 'unlinkat', 'rmdir', 'mkdir', 'mkdirat'],
]

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
    const before = this.changes.length
    const changesBefore: number[] = []
    for (const call of calls) {
      changesBefore.push(this.changes.length)
      const paths = pathsOf(call).map((path) => relative(this.#folder, path) || '.')
      const isBelow = paths.length > 0 && paths.every((path) => !path.startsWith('..'))
      if (!isBelow || call.result < 0) continue
      const covers = changesBefore[call.begun] ?? before
      const change = this.#changeOf(call, { path: paths[0] ?? '', to: paths[1] ?? '', covers })
      if (change !== undefined) this.changes.push(change)
    }
  }

  #changeOf(
    call: SystemCall,
    { path, to, covers }: { readonly path: string; readonly to: string; readonly covers: number },
  ): DiskChange | undefined {
    switch (call.name) {
      case 'openat':
        return call.args.includes('O_CREAT') ? this.#create(path, call) : undefined
      case 'write':
        return { kind: 'write', path, file: this.#fileAt(path), bytes: writtenBy(call) }
      case 'fsync':
      case 'fdatasync':
        return { kind: 'sync', path, file: this.#files.get(path), covers }
      case 'rename':
        return this.#rename(path, to)
      case 'unlink':
        return this.#remove(path)
      case 'mkdir':
        return { kind: 'make-folder', path }
      default:
        throw new Error(`The model of a disk does not know ${call.name}`)
    }
  }

  #create(path: string, { args }: SystemCall): DiskChange {
    if (!args.includes('O_EXCL')) throw new Error(`The model of a disk knows new files only, and ${path} may be there`)
    const file = this.#filesEver++
    this.#files.set(path, file)
    return { kind: 'create', path, file }
  }

  #rename(path: string, to: string): DiskChange {
    const file = this.#fileAt(path)
    if (dirname(path) !== dirname(to))
      throw new Error(`The model of a disk does not know moves to another folder: ${to}`)
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
