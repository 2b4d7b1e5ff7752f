import { orAbort } from '../../base/abort.ts'
import { concatBytes } from '../../base/bytes.ts'
import { sha256 } from '../format/id.ts'
import type { Backend, BackendOptions, ByteRange, HashedKind, StoredFileInfo, StoredName } from './backend.ts'
import type { CachedName, CacheFolder } from './cache-folder.ts'

/** The backend, with its metadata (indexes, snapshots, packs of trees) also kept in a folder: written through, read once. */
export function openCachedBackend(inner: Backend, cache: CacheFolder): Backend {
  return new CachedBackend(inner, cache)
}

/** Larger files are rare, and asked for in parts. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024

class CachedBackend implements Backend {
  readonly #inner: Backend
  readonly #cache: CacheFolder
  readonly #fetching = new Map<string, Promise<unknown>>()
  readonly #tooLarge = new Set<string>()
  /** Once the cache could not be written, whole files are not fetched for it any more. */
  #isWritable = true

  constructor(inner: Backend, cache: CacheFolder) {
    this.#inner = inner
    this.#cache = cache
  }

  get location(): string {
    return this.#inner.location
  }

  async prepare(options: BackendOptions): Promise<void> {
    await this.#inner.prepare(options)
  }

  async save(name: StoredName, pieces: readonly Uint8Array[], options: BackendOptions): Promise<void> {
    await this.#inner.save(name, pieces, options)
    if (isKept(name)) await this.#keep(name, pieces)
  }

  async load(name: StoredName, range: ByteRange, { signal }: BackendOptions): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    if (!isKept(name)) return await this.#inner.load(name, range, { signal })
    for (;;) {
      const cached = await this.#cache.load(name, range)
      signal.throwIfAborted()
      if (cached !== undefined) return cached
      const elsewhere = this.#fetching.get(name.id)
      if (elsewhere === undefined) return await this.#loadThrough(name, range, signal)
      await orAbort(
        elsewhere.catch(() => undefined),
        signal,
      )
    }
  }

  /** The whole file is fetched, so that the next range of it is at hand. */
  async #loadThrough(name: CachedName, range: ByteRange, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!this.#isWritable || this.#tooLarge.has(name.id)) return await this.#inner.load(name, range, { signal })
    const fetching = this.#fetch(name, signal)
    this.#fetching.set(name.id, fetching)
    const whole = await fetching.finally(() => this.#fetching.delete(name.id))
    if (whole === undefined) return undefined
    if (whole.length > KEPT_BYTES_MAX) return await this.#inner.load(name, range, { signal })
    return whole.subarray(Math.min(range.offset, whole.length), Math.min(range.offset + range.length, whole.length))
  }

  async #fetch(name: CachedName, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const whole = await this.#inner.load(name, { offset: 0, length: KEPT_BYTES_MAX + 1 }, { signal })
    if (whole === undefined) return undefined
    if (whole.length > KEPT_BYTES_MAX) this.#tooLarge.add(name.id)
    else await this.#keep(name, [whole])
    return whole
  }

  /** Only what is what its name says: a damaged file is the repository's, and is asked for there every time. */
  async #keep(name: CachedName, pieces: readonly Uint8Array[]): Promise<void> {
    if (!this.#isWritable || sha256(concatBytes(pieces)) !== name.id) return
    this.#isWritable = await this.#cache.save(name, pieces)
  }

  list(kind: HashedKind, options: BackendOptions): AsyncIterable<StoredFileInfo> {
    return this.#inner.list(kind, options)
  }

  async remove(name: StoredName, options: BackendOptions): Promise<boolean> {
    const isRemoved = await this.#inner.remove(name, options)
    if (isKept(name)) await this.#cache.remove(name)
    return isRemoved
  }

  async removeLeftovers(beforeMs: number, options: BackendOptions): Promise<number> {
    return await this.#inner.removeLeftovers(beforeMs, options)
  }

  async freeBytes(options: BackendOptions): Promise<number | undefined> {
    return await this.#inner.freeBytes(options)
  }
}

function isKept(name: StoredName): name is CachedName {
  return name.kind === 'index' || name.kind === 'snapshot' || (name.kind === 'pack' && name.holds === 'tree')
}
