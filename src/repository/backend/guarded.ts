import type { Backend, BackendOptions, ByteRange, HashedKind, StoredFileInfo, StoredName } from './backend.ts'

/** A backend that asks before each change whether it may still be made; `mayChange` throws where not. */
export function guardBackend(inner: Backend, mayChange: () => void): Backend {
  return new GuardedBackend(inner, mayChange)
}

class GuardedBackend implements Backend {
  readonly #inner: Backend
  readonly #mayChange: () => void

  constructor(inner: Backend, mayChange: () => void) {
    this.#inner = inner
    this.#mayChange = mayChange
  }

  get location(): string {
    return this.#inner.location
  }

  async prepare(options: BackendOptions): Promise<void> {
    this.#mayChange()
    await this.#inner.prepare(options)
  }

  async save(name: StoredName, pieces: readonly Uint8Array[], options: BackendOptions): Promise<void> {
    this.#mayChange()
    await this.#inner.save(name, pieces, options)
  }

  async load(name: StoredName, range: ByteRange, options: BackendOptions): Promise<Uint8Array | undefined> {
    return await this.#inner.load(name, range, options)
  }

  list(kind: HashedKind, options: BackendOptions): AsyncIterable<StoredFileInfo> {
    return this.#inner.list(kind, options)
  }

  async remove(name: StoredName, options: BackendOptions): Promise<boolean> {
    this.#mayChange()
    return await this.#inner.remove(name, options)
  }

  async removeLeftovers(beforeMs: number, options: BackendOptions): Promise<number> {
    this.#mayChange()
    return await this.#inner.removeLeftovers(beforeMs, options)
  }

  async freeBytes(options: BackendOptions): Promise<number | undefined> {
    return await this.#inner.freeBytes(options)
  }
}
