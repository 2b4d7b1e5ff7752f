import type { BlobLocation, BlobType, PackedBlob } from '../indexes/blob-index.ts'
import type { IndexedPack } from '../indexes/index-file.ts'
import { discard } from '../memory.ts'
import { readBlobs } from '../packs/blob-reader.ts'
import { PackBuilder } from '../packs/pack.ts'
import type { Repository } from '../repository.ts'
import { CHUNK_BYTES_MAX } from '../write/chunker.ts'
import { PACK_BYTES } from './prune-plan.ts'

/**
 * Copies blobs into new packs, sealed as they are: each is opened and proven, but neither compressed nor sealed again. The new
 * packs are durable when this resolves, and no index lists them yet; the old ones are as they were.
 * Throws `repo.damaged` when there is no good copy of a blob.
 */
export async function repackBlobs(
  repository: Repository,
  blobs: Iterable<BlobLocation>,
  { signal, onBlob }: { signal: AbortSignal; onBlob?: ((blob: BlobLocation) => void) | undefined },
): Promise<readonly IndexedPack[]> {
  const outputs = { data: new PackOutput('data', repository, signal), tree: new PackOutput('tree', repository, signal) }
  try {
    for await (const { blob, sealed, plain } of readBlobs(repository, blobs, { signal })) {
      discard(plain)
      await outputs[blob.type].append(blob, sealed)
      onBlob?.(blob)
    }
    await outputs.data.flush()
    await outputs.tree.flush()
  } finally {
    await Promise.allSettled([outputs.data.saved, outputs.tree.saved])
  }
  return [...outputs.data.packs, ...outputs.tree.packs]
}

/** Keeps headers far from their limit when blobs are tiny. */
const BLOBS_MAX = 20_000
/** Blobs larger than this, which is more than any chunk, become packs of their own. */
const BLOB_BYTES_MAX = CHUNK_BYTES_MAX + 128 * 1024

/** Fills packs of one type with blobs that are sealed already, and saves each while the next one is filled. */
class PackOutput {
  readonly packs: IndexedPack[] = []
  /** The save that goes on; it may have failed. */
  saved: Promise<void> = Promise.resolve()
  readonly #holds: BlobType
  readonly #repository: Repository
  readonly #signal: AbortSignal
  #open: PackBuilder | undefined
  readonly #spare: PackBuilder[] = []

  constructor(holds: BlobType, repository: Repository, signal: AbortSignal) {
    this.#holds = holds
    this.#repository = repository
    this.#signal = signal
  }

  async append(blob: PackedBlob, sealed: Uint8Array): Promise<void> {
    if (sealed.length > BLOB_BYTES_MAX) return await this.#appendAlone(blob, sealed)
    this.#open ??= this.#spare.pop() ?? this.#newBuilder(PACK_BYTES[this.#holds] + BLOB_BYTES_MAX)
    this.#open.appendSealed(blob, sealed)
    if (this.#open.filledBytes >= PACK_BYTES[this.#holds] || this.#open.blobCount >= BLOBS_MAX) await this.#close()
  }

  async #appendAlone(blob: PackedBlob, sealed: Uint8Array): Promise<void> {
    const builder = this.#newBuilder(sealed.length)
    builder.appendSealed(blob, sealed)
    await this.saved
    await this.#save(builder)
  }

  #newBuilder(capacityBytes: number): PackBuilder {
    return new PackBuilder(this.#holds, this.#repository.sealer, capacityBytes)
  }

  /** Waits for the save before this one. */
  async #close(): Promise<void> {
    const builder = this.#open
    this.#open = undefined
    if (builder === undefined) return
    await this.saved
    this.saved = this.#save(builder).then(() => {
      builder.reset()
      this.#spare.push(builder)
    })
    // Whoever waits for it is told of a failure; until then nobody may be waiting.
    this.saved.catch(() => undefined)
  }

  async #save(builder: PackBuilder): Promise<void> {
    const { id, blobs, pieces } = builder.finish()
    await this.#repository.backend.save({ kind: 'pack', id, holds: this.#holds }, pieces, { signal: this.#signal })
    this.packs.push({ id, blobs })
  }

  async flush(): Promise<void> {
    await this.#close()
    await this.saved
  }
}
