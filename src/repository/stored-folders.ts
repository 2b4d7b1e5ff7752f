import { fromUtf8 } from '../base/bytes.ts'
import type { Id } from './id.ts'
import type { BlobSource } from './repository.ts'
import { type StoredNode, splitTree } from './tree.ts'

/** Plain bytes of the trees that are kept. */
const CACHE_BYTES_MAX = 16 * 1024 * 1024

/** A folder's nodes by name, in the order of the names' bytes. */
export type StoredNodes = ReadonlyMap<string, StoredNode>

/** Stored folders as they are read, the most recent ones kept. */
export class StoredFolders {
  readonly #source: BlobSource
  readonly #recent = new Map<Id, { readonly nodes: StoredNodes; readonly bytes: number }>()
  #bytes = 0

  constructor(source: BlobSource) {
    this.#source = source
  }

  /** By name, in their order; nothing for a folder that was never stored. */
  async load(id: Id | undefined, signal: AbortSignal): Promise<StoredNodes> {
    if (id === undefined) return NOTHING
    const known = this.#recent.get(id)
    if (known !== undefined) this.#forget(id)
    const folder = known ?? (await this.#read(id, signal))
    this.#recent.set(id, folder)
    this.#bytes += folder.bytes
    for (const oldest of this.#recent.keys()) {
      if (this.#bytes <= CACHE_BYTES_MAX || oldest === id) break
      this.#forget(oldest)
    }
    return folder.nodes
  }

  async #read(id: Id, signal: AbortSignal): Promise<{ readonly nodes: StoredNodes; readonly bytes: number }> {
    const bytes = await this.#source.loadBlob('tree', id, { signal })
    const nodes = splitTree(fromUtf8(bytes), `The tree ${id}`)
    return { nodes: new Map(nodes.map((node) => [node.name, node])), bytes: bytes.length }
  }

  #forget(id: Id): void {
    this.#bytes -= this.#recent.get(id)?.bytes ?? 0
    this.#recent.delete(id)
  }
}

const NOTHING: StoredNodes = new Map()
