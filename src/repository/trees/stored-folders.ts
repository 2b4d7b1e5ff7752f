import { utf8 } from '../../base/bytes.ts'
import type { Id } from '../format/id.ts'
import type { BlobSource } from '../repository.ts'
import { encodeTree, StoredTree } from './tree.ts'

/** Stored folders as they are read; the most recent ones are kept, the last one however large it is. */
export class StoredFolders {
  readonly #source: BlobSource
  readonly #bytesMax: number
  readonly #recent = new Map<Id, StoredTree>()
  #bytes = 0

  constructor(source: BlobSource, bytesMax: number) {
    this.#source = source
    this.#bytesMax = bytesMax
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
      if (this.#bytes <= this.#bytesMax || oldest === id) break
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
