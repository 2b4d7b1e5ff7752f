import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import { makeFolder } from '../../base/folders.ts'
import { randomBytes } from '../../base/random.ts'
import type { Id } from '../format/id.ts'
import { type ByteRange, type HashedKind, pathOf } from './backend.ts'
import { readRange } from './local.ts'

/** A file that may be kept: its id is the SHA-256 of its content. */
export interface CachedName {
  readonly kind: HashedKind
  readonly id: Id
}

export interface CacheFolderOptions {
  readonly clock: Clock
  /** What was used longest ago goes when there is more; two processes together may keep twice as much for a while. */
  readonly bytesMax: number
}

/** After trimming, this much of the limit is left. */
const TRIMMED = 0.9
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000

/**
 * Copies of a repository's files in a folder, laid out as the repository. Anything may happen to it: a file that is gone, or is
 * not what its name says, or cannot be read, counts as not there. Any number of processes may share it.
 */
export class CacheFolder {
  readonly #folder: string
  readonly #options: CacheFolderOptions
  /** Proven by this process. */
  readonly #sound = new Set<Id>()
  #usedBytes: number | undefined

  constructor(folder: string, options: CacheFolderOptions) {
    this.#folder = folder
    this.#options = options
  }

  /** The bytes of a range; undefined when there is no good copy. The whole file is hashed before its first bytes are given out. */
  async load(name: CachedName, range: ByteRange): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(name)
    return await orMissing(async () => {
      await using file = await open(path)
      if (!this.#sound.has(name.id) && !(await this.#prove(path, name.id))) return undefined
      const { size } = await file.stat()
      return await readRange(file, { offset: range.offset, length: Math.min(range.length, size - range.offset) })
    })
  }

  async #prove(path: string, id: Id): Promise<boolean> {
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    if (hash.digest('hex') !== id) {
      await rm(path, { force: true })
      return false
    }
    const nowSeconds = this.#options.clock.nowMs() / 1000
    await utimes(path, nowSeconds, nowSeconds)
    this.#sound.add(id)
    return true
  }

  /** Keeps a copy. False when that was not possible: a full disk, no permission. */
  async save(name: CachedName, pieces: readonly Uint8Array[]): Promise<boolean> {
    const path = this.#pathOf(name)
    const temporary = `${path}-tmp-${Buffer.from(randomBytes(8)).toString('hex')}`
    const isSaved = await orMissing(async () => {
      await makeFolder(dirname(path))
      await writeFile(temporary, pieces, { mode: 0o600, flag: 'wx' })
      await rename(temporary, path)
      return true
    })
    if (isSaved !== true) await orMissing(() => rm(temporary, { force: true }))
    else await this.#count(pieces.reduce((sum, piece) => sum + piece.length, 0))
    return isSaved ?? false
  }

  async remove(name: CachedName): Promise<void> {
    this.#sound.delete(name.id)
    await orMissing(() => rm(this.#pathOf(name), { force: true }))
  }

  async #count(addedBytes: number): Promise<void> {
    if (this.#usedBytes !== undefined && this.#usedBytes + addedBytes <= this.#options.bytesMax) {
      this.#usedBytes += addedBytes
    } else {
      this.#usedBytes = (await orMissing(() => this.#trim())) ?? 0
    }
  }

  /** Removes what was used longest ago until there is room again, and old leftovers. Gives the bytes that stay. */
  async #trim(): Promise<number> {
    const { bytesMax, clock } = this.#options
    const files = (await this.#files()).toSorted((one, other) => one.usedMs - other.usedMs)
    let bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const keepBytes = bytes > bytesMax ? bytesMax * TRIMMED : bytesMax
    for (const { path, sizeBytes, usedMs } of files) {
      const isLeftover = path.includes('-tmp-') && clock.nowMs() - usedMs > LEFTOVER_AGE_MS
      if (bytes <= keepBytes && !isLeftover) continue
      await rm(path, { force: true })
      bytes -= sizeBytes
    }
    return bytes
  }

  async #files(): Promise<readonly { path: string; sizeBytes: number; usedMs: number }[]> {
    const files: { path: string; sizeBytes: number; usedMs: number }[] = []
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const info = await orMissing(() => stat(path))
      if (info !== undefined) files.push({ path, sizeBytes: info.size, usedMs: info.mtimeMs })
    }
    return files
  }

  #pathOf(name: CachedName): string {
    return join(this.#folder, pathOf(name))
  }
}

/** A cache that fails is a cache without the file. */
async function orMissing<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}
