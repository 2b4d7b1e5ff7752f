import { utf8 } from '../base/bytes.ts'
import type { Id } from './id.ts'
import type { BlobSource } from './repository.ts'
import { encodeTree, StoredTree } from './tree.ts'

/** Plain bytes of the trees that are kept: the folders of a backup of 200,000 files, which phones visit in no order. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024

/** Stored folders as they are read, the most recent ones kept. */
export class StoredFolders {
  readonly #source: BlobSource
  readonly #recent = new Map<Id, StoredTree>()
  #bytes = 0

  constructor(source: BlobSource) {
    this.#source = source
  }

  /** Empty for a folder that was never stored. Throws `repo.damaged`. */
  async load(id: Id | undefined, signal: AbortSignal): Promise<StoredTree> {
    if (id === undefined) return NOTHING
    const known = this.#recent.get(id)
    if (known !== undefined) this.#forget(id)
    const tree = known ?? new StoredTree(await this.#source.loadBlob('tree', id, { signal }), `The tree ${id}`)
    this.#recent.set(id, tree)
    this.#bytes += tree.bytes
    for (const oldest of this.#recent.keys()) {
      if (this.#bytes <= CACHE_BYTES_MAX || oldest === id) break
      this.#forget(oldest)
    }
    return tree
  }

  #forget(id: Id): void {
    this.#bytes -= this.#recent.get(id)?.bytes ?? 0
    this.#recent.delete(id)
  }
}

const NOTHING = new StoredTree(utf8(encodeTree([])), 'An empty tree')
