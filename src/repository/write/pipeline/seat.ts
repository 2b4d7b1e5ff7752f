import type { Sealer } from '../../format/crypto.ts'
import type { BlobId } from '../../format/id.ts'
import type { BlobType } from '../../indexes/blob-index.ts'
import type { FinishedPack } from '../../packs/pack.ts'
import { type Leftover, Packer, type PackSort, type UnsavedBlob } from './packer.ts'

/** Blobs that lie one after the other in one buffer, which goes with them. */
export interface Batch {
  readonly sort: PackSort
  readonly buffer: ArrayBuffer
  readonly blobs: readonly { readonly id: BlobId; readonly sizeBytes: number }[]
}

/** What became of a batch. */
export interface PackedBatch {
  /** The blobs, compressed and sealed. */
  readonly storedBytes: number
  /** The batch's buffer, to be used again. */
  readonly buffer: ArrayBuffer
}

/** Where a packer works: on a thread of its own, or on this one. What is asked is done in the order of asking. */
export interface Seat extends AsyncDisposable {
  pack(batch: Batch): Promise<PackedBatch>
  /** A blob of a pack that is still open; undefined when its pack was closed before, and handed over. */
  find(type: BlobType, id: BlobId): Promise<UnsavedBlob | undefined>
  /** The open packs, which are then the caller's. */
  takeLeftovers(): Promise<readonly Leftover[]>
  /** Gives the buffer of a pack back. */
  reuse(buffer: ArrayBuffer): void
}

export interface SeatOptions {
  readonly sealer: Sealer
  readonly verify: boolean
  /** Takes a closed pack, and its buffer with it. */
  readonly onPack: (pack: FinishedPack) => void
}

/** Packs on this thread, before the call returns. */
export function openInlineSeat(options: SeatOptions): Seat {
  const packer = new Packer(options)
  return {
    pack: async (batch) => packBatch(packer, batch),
    find: async (type, id) => packer.find(type, id),
    takeLeftovers: async () => packer.takeLeftovers(),
    reuse: (buffer) => packer.reuse(buffer),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Packs the blobs of a batch one after the other. */
export function packBatch(packer: Packer, { sort, buffer, blobs }: Batch): PackedBatch {
  let storedBytes = 0
  let offset = 0
  for (const { id, sizeBytes } of blobs) {
    storedBytes += packer.pack({ sort, id, plain: new Uint8Array(buffer, offset, sizeBytes) })
    offset += sizeBytes
  }
  return { storedBytes, buffer }
}
