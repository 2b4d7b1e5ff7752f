import { SEAL_BYTES, type Sealer } from '../format/crypto.ts'
import type { BlobId } from '../format/id.ts'
import type { BlobType, PackedBlob } from '../indexes/blob-index.ts'
import { CHUNK_BYTES_MAX } from '../write/chunker.ts'
import { type FinishedPack, PackBuilder } from './pack.ts'

/** A pack is closed once it has this many bytes: restic's default for data, less for trees, which change as a whole. */
const TARGET_BYTES: Readonly<Record<BlobType, number>> = { data: 16 * 1024 * 1024, tree: 4 * 1024 * 1024 }
/** Keeps headers far from their limit when blobs are tiny. */
const BLOBS_MAX = 20_000
/** One is filled while the other is saved. */
const BUILDERS_MAX = 2
/** The largest chunk as a frame that did not shrink. */
const FRAME_BYTES_MAX = Math.ceil(CHUNK_BYTES_MAX * 1.01) + 1024

/** Where a stored blob's bytes lie before its pack is durable. */
export interface UnsavedBlob extends PackedBlob {
  /** The sealed bytes, to be used at once: the buffer serves another pack later. */
  sealed(): Uint8Array
}

/** A blob ready for its pack. */
export interface FramedBlob {
  readonly id: BlobId
  readonly frame: Uint8Array
  readonly plainBytes: number
}

interface AppendOptions {
  readonly signal: AbortSignal
  /** Learns where the blob lies, before anything else can happen to the pack. */
  readonly appended: (unsaved: UnsavedBlob) => void
}

/** Fills packs of one blob type and saves them while the next one is filled; few lie in memory, however slow the disk is. */
export class PackStream {
  readonly #type: BlobType
  readonly #sealer: Sealer
  readonly #save: (pack: FinishedPack) => Promise<void>
  readonly #idle: PackBuilder[] = []
  readonly #saving = new Set<Promise<void>>()
  #builders = 0
  #open: PackBuilder | undefined

  /** `save` never rejects: a failure is its caller's to keep, and `signal` then ends every wait. */
  constructor(type: BlobType, { sealer, save }: { sealer: Sealer; save: (pack: FinishedPack) => Promise<void> }) {
    this.#type = type
    this.#sealer = sealer
    this.#save = save
  }

  /** Seals a blob into the open pack; waits while all buffers are being saved. */
  async append(blob: FramedBlob, { signal, appended }: AppendOptions): Promise<void> {
    if (blob.frame.length > FRAME_BYTES_MAX) return await this.#appendAlone(blob, { signal, appended })
    while (this.#open === undefined) {
      signal.throwIfAborted()
      this.#open = this.#takeBuilder()
      if (this.#open === undefined) await Promise.race(this.#saving)
    }
    const builder = this.#open
    appended(appendTo(builder, blob))
    if (builder.filledBytes >= TARGET_BYTES[this.#type] || builder.blobCount >= BLOBS_MAX) this.#close()
  }

  /** A blob larger than any chunk, such as the tree of a huge folder, becomes a pack of its own. */
  async #appendAlone(blob: FramedBlob, { signal, appended }: AppendOptions): Promise<void> {
    while (this.#saving.size >= BUILDERS_MAX) {
      signal.throwIfAborted()
      await Promise.race(this.#saving)
    }
    const builder = new PackBuilder(this.#type, this.#sealer, blob.frame.length + SEAL_BYTES)
    appended(appendTo(builder, blob))
    this.#startSaving(builder.finish(), () => {})
  }

  #takeBuilder(): PackBuilder | undefined {
    const idle = this.#idle.pop()
    if (idle !== undefined || this.#builders === BUILDERS_MAX) return idle
    this.#builders++
    return new PackBuilder(this.#type, this.#sealer, TARGET_BYTES[this.#type] + FRAME_BYTES_MAX + SEAL_BYTES)
  }

  #close(): void {
    const builder = this.#open
    if (builder === undefined) return
    this.#open = undefined
    this.#startSaving(builder.finish(), () => {
      builder.reset()
      this.#idle.push(builder)
    })
  }

  #startSaving(pack: FinishedPack, after: () => void): void {
    const saving = this.#save(pack).then(() => {
      this.#saving.delete(saving)
      after()
    })
    this.#saving.add(saving)
  }

  /** Saves the open pack as it is, and waits until all packs are saved. */
  async flush(): Promise<void> {
    this.#close()
    await this.settled()
  }

  /** Waits until nothing is being saved. */
  async settled(): Promise<void> {
    await Promise.all(this.#saving)
  }
}

function appendTo(builder: PackBuilder, { id, frame, plainBytes }: FramedBlob): UnsavedBlob {
  const blob = builder.append(id, { frame, plainBytes })
  return { ...blob, sealed: () => builder.sealedAt(blob) }
}
