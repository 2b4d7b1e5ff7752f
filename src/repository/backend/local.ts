import { constants, type Stats } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSystemError } from '../../base/errors.ts'
import { makeFolder, syncFolder } from '../../base/folders.ts'
import { randomBytes } from '../../base/random.ts'
import { damaged, onStorage } from '../errors.ts'
import { parseId } from '../format/id.ts'
import {
  type Backend,
  type BackendOptions,
  type ByteRange,
  FOLDERS,
  type HashedKind,
  pathOf,
  type StoredFileInfo,
  type StoredName,
} from './backend.ts'

/** A repository in a folder, laid out as restic does. The folder need not exist before `prepare`. */
export function openLocalBackend(folder: string): Backend {
  return new LocalBackend(folder)
}

/** Two hexadecimal digits each: the folders that packs fan out over. */
const FAN_OUT = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, '0'))

/** restic's own temporary files end in `-tmp-<number>`, so the letters tell ours apart. */
const LEFTOVER = /^([0-9a-f]{64}|config)-tmp-phonekeep-[0-9a-f]{16}$/

/** What must not come back after a power cut, because packs that it names are removed next. */
const MUST_STAY_GONE: ReadonlySet<string> = new Set(['index', 'snapshot', 'key'])

class LocalBackend implements Backend {
  readonly location: string
  /** Folders that are there and may not be durable yet: what is saved into them must not be ready before they are. */
  readonly #making = new Map<string, Promise<void>>()

  constructor(folder: string) {
    this.location = folder
  }

  async prepare({ signal }: BackendOptions): Promise<void> {
    signal.throwIfAborted()
    const { quarantine: _whenNeeded, ...folders } = FOLDERS
    const wanted = [...Object.values(folders), ...FAN_OUT.map((digits) => `data/${digits}`)]
    await this.#attempt('write', '', async () => {
      const made = await makeFolder(this.location)
      for (const folder of wanted) await makeFolder(join(this.location, folder))
      for (const folder of [FOLDERS.pack, '']) await syncFolder(join(this.location, folder))
      for (const folder of made) await syncFolder(dirname(folder))
    })
  }

  async save(name: StoredName, pieces: readonly Uint8Array[], { signal }: BackendOptions): Promise<void> {
    signal.throwIfAborted()
    const path = pathOf(name)
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    await this.#attempt('write', path, async () => {
      if (!(await this.#isThere(path, sizeBytes))) {
        await this.#ensureFolder(dirname(path))
        await writeWhole(join(this.location, path), pieces, signal)
      }
      await syncFolder(dirname(join(this.location, path)))
    })
  }

  async #isThere(path: string, sizeBytes: number): Promise<boolean> {
    const existing = await this.#stat(path)
    if (existing === undefined) return false
    if (existing.size === sizeBytes) return true
    throw damaged(path, `it exists with ${existing.size} bytes where ${sizeBytes} were to be written`)
  }

  /** Makes a folder that is missing, such as an empty one that was not copied with the rest. */
  async #ensureFolder(folder: string): Promise<void> {
    if (folder === '.') return
    if ((await this.#stat(folder)) !== undefined) return await this.#making.get(folder)
    const making = this.#makeFolder(folder).finally(() => this.#making.delete(folder))
    this.#making.set(folder, making)
    await making
  }

  /** What has no config is no repository: where a disk is not mounted, nothing must come back empty. */
  async #makeFolder(folder: string): Promise<void> {
    const parent = dirname(folder)
    if (parent === '.' && (await this.#stat('config')) === undefined) return
    await this.#ensureFolder(parent)
    await makeDurableFolder(join(this.location, folder))
  }

  async #stat(path: string): Promise<Stats | undefined> {
    return await orAbsent(stat(join(this.location, path)))
  }

  async load(name: StoredName, range: ByteRange, { signal }: BackendOptions): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    const path = pathOf(name)
    return await this.#attempt('read', path, async () => {
      await using file = await orAbsent(open(join(this.location, path)))
      if (file === undefined) return undefined
      const { size } = await file.stat()
      return await readRange(file, { offset: range.offset, length: Math.min(range.length, size - range.offset) })
    })
  }

  async *list(kind: HashedKind, { signal }: BackendOptions): AsyncGenerator<StoredFileInfo> {
    const folders = kind === 'pack' ? FAN_OUT.map((digits) => `data/${digits}`) : [FOLDERS[kind]]
    for (const folder of folders) {
      for (const name of await this.#namesIn(folder)) {
        signal.throwIfAborted()
        const id = parseId(name)
        if (id === undefined || dirname(pathOf({ kind, id })) !== folder) continue
        const info = await this.#attempt('read', folder, () => orAbsent(stat(join(this.location, folder, name))))
        if (info?.isFile()) yield { id, sizeBytes: info.size, modifiedMs: info.mtimeMs }
      }
    }
  }

  async remove(name: StoredName, { signal }: BackendOptions): Promise<boolean> {
    signal.throwIfAborted()
    const path = pathOf(name)
    return await this.#attempt('write', path, async () => {
      const removed = await orAbsent(rm(join(this.location, path)).then(() => true))
      if (removed && MUST_STAY_GONE.has(name.kind)) await syncFolder(dirname(join(this.location, path)))
      return removed ?? false
    })
  }

  async removeLeftovers(beforeMs: number, { signal }: BackendOptions): Promise<number> {
    let count = 0
    const fanOut = FAN_OUT.map((digits) => `data/${digits}`)
    for (const folder of ['', ...Object.values(FOLDERS), ...fanOut]) {
      signal.throwIfAborted()
      const leftovers = (await this.#namesIn(folder)).filter((name) => LEFTOVER.test(name))
      for (const name of leftovers) if (await this.#removeOld(join(folder, name), beforeMs)) count++
    }
    return count
  }

  async #removeOld(path: string, beforeMs: number): Promise<boolean> {
    return await this.#attempt('write', path, async () => {
      const info = await orAbsent(stat(join(this.location, path)))
      if (info === undefined || info.mtimeMs >= beforeMs) return false
      await rm(join(this.location, path), { force: true })
      return true
    })
  }

  async freeBytes({ signal }: BackendOptions): Promise<number> {
    signal.throwIfAborted()
    return await this.#attempt('read', '', async () => {
      const { bavail, bsize } = await statfs(this.location)
      return bavail * bsize
    })
  }

  async #namesIn(folder: string): Promise<readonly string[]> {
    return await this.#attempt('read', folder, async () => (await orAbsent(readdir(join(this.location, folder)))) ?? [])
  }

  async #attempt<Result>(doing: 'read' | 'write', path: string, work: () => Promise<Result>): Promise<Result> {
    return await onStorage({ doing, what: join(this.location, path) }, work)
  }
}

async function makeDurableFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch(ignoring('EEXIST'))
  await syncFolder(dirname(folder))
}

/** A temporary file beside the place, synced, made read-only, closed and renamed: all of it or nothing. The folder is not synced. */
async function writeWhole(path: string, pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  const temporary = `${path}-tmp-phonekeep-${Buffer.from(randomBytes(8)).toString('hex')}`
  try {
    await writeNew(temporary, pieces, signal)
    await readOnly(temporary)
    signal.throwIfAborted()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

async function writeNew(path: string, pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  await using file = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
  for (const piece of pieces) await writeAll(file, piece, signal)
  await file.sync()
}

/** Larger writes make Linux look for large pages to copy into, which was measured to take four times as long. */
const WRITE_BYTES_MAX = 256 * 1024

async function writeAll(file: FileHandle, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    signal.throwIfAborted()
    const { bytesWritten } = await file.write(bytes, offset, Math.min(WRITE_BYTES_MAX, bytes.length - offset))
    offset += bytesWritten
  }
}

/** The bytes of a range; fewer where the file ends. */
export async function readRange(file: FileHandle, { offset, length }: ByteRange): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, length))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** Some network shares know no permissions: that is no reason to lose a backup. */
async function readOnly(path: string): Promise<void> {
  await chmod(path, 0o400).catch(ignoring('EPERM', 'ENOTSUP', 'ENOSYS', 'EINVAL'))
}

function ignoring(...codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!isSystemError(error) || !codes.includes(error.code ?? '')) throw error
  }
}

async function orAbsent<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
