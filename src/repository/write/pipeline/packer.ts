import { createHash } from 'node:crypto'
import { damaged } from '../../errors.ts'
import {
  compressNow,
  decompressNow,
  looksRandom,
  storedBytes,
  storedPieces,
  storeNow,
} from '../../format/compression.ts'
import { SEAL_BYTES, type Sealer } from '../../format/crypto.ts'
import { type BlobId, sha256 } from '../../format/id.ts'
import type { BlobType, PackedBlob } from '../../indexes/blob-index.ts'
import { discard } from '../../memory.ts'
import { emptyContents, type FinishedPack, PackBuilder, type PackContents } from '../../packs/pack.ts'
import type { DataSort } from '../chunk-policy.ts'

/** What lies together in a pack. */
export type PackSort = DataSort | 'tree'

export const PACK_SORTS: readonly PackSort[] = ['media', 'churn', 'tree']

/** Data packs differ only in how long their blobs are expected to live. */
export function typeOf(sort: PackSort): BlobType {
  return sort === 'tree' ? 'tree' : 'data'
}

/**
 * A pack is closed before it has more bytes of blobs: restic's default for media, less for what changes, since small packs die as wholes.
 * A blob that is larger becomes a pack of its own.
 */
export const PACK_BYTES: Readonly<Record<PackSort, number>> = { media: 16 << 20, churn: 8 << 20, tree: 4 << 20 }
/** Keeps headers far from their limit when blobs are tiny. */
const BLOBS_MAX = 20_000

/** Whether a sealed blob of so many bytes may follow. */
export function hasRoomFor(builder: PackBuilder, sealedBytes: number): boolean {
  return builder.roomBytes >= sealedBytes && builder.blobCount < BLOBS_MAX
}

/** A blob to be packed. */
export interface PlainBlob {
  readonly sort: PackSort
  readonly id: BlobId
  readonly plain: Uint8Array
}

/** A blob that lies in a pack, though in no durable one yet. */
export interface UnsavedBlob {
  readonly blob: PackedBlob
  readonly sealed: Uint8Array
}

/** A copy, as the pack's buffer may soon serve another. */
export function findIn({ blobs, body }: PackContents, type: BlobType, id: BlobId): UnsavedBlob | undefined {
  const blob = blobs.find((each) => each.id === id && each.type === type)
  return blob && { blob, sealed: body.slice(blob.offset, blob.offset + blob.length) }
}

/** An open pack that nothing more will be added to by the one who filled it. */
export interface Leftover extends PackContents {
  readonly sort: PackSort
}

interface PackerOptions {
  readonly sealer: Sealer
  /** Proves each blob by unsealing, unpacking and hashing it before it counts as packed. */
  readonly verify: boolean
  /** Takes a closed pack, and its buffer with it. */
  readonly onPack: (pack: FinishedPack) => void
}

/** Compresses, seals and packs blobs on the thread that it is called on; one pack of each sort is open. */
export class Packer {
  readonly #options: PackerOptions
  readonly #open = new Map<PackSort, PackBuilder>()
  /** A buffer for the next pack of each sort. */
  readonly #spare = new Map<number, ArrayBuffer>()
  /** For frames of what does not shrink. */
  #scratch = new Uint8Array(0)

  constructor(options: PackerOptions) {
    this.#options = options
  }

  /** Resolves to the size of the sealed blob. Throws `repo.damaged` when it does not read back as it was given. */
  pack({ sort, id, plain }: PlainBlob): number {
    const frame = this.#frame(plain)
    const builder = this.#builderFor(sort, frame)
    const blob = builder.append(id, { frame, plainBytes: plain.length })
    if (this.#options.verify) this.#verify(blob, builder.sealedAt(blob), frame)
    if (frame.buffer !== this.#scratch.buffer) discard(frame)
    if (builder !== this.#open.get(sort)) this.#options.onPack(builder.finish())
    return blob.length
  }

  #frame(plain: Uint8Array): Uint8Array {
    if (!looksRandom(plain)) return compressNow(plain)
    if (this.#scratch.length < storedBytes(plain.length)) this.#scratch = new Uint8Array(storedBytes(plain.length))
    return storeNow(plain, this.#scratch)
  }

  #builderFor(sort: PackSort, frame: Uint8Array): PackBuilder {
    const sealedBytes = frame.length + SEAL_BYTES
    if (sealedBytes > PACK_BYTES[sort]) return new PackBuilder(typeOf(sort), this.#options.sealer, sealedBytes)
    const open = this.#open.get(sort)
    if (open !== undefined && hasRoomFor(open, sealedBytes)) return open
    if (open !== undefined) this.#options.onPack(open.finish())
    const builder = this.#newBuilder(sort)
    this.#open.set(sort, builder)
    return builder
  }

  #newBuilder(sort: PackSort): PackBuilder {
    const bytes = PACK_BYTES[sort]
    const spare = this.#spare.get(bytes)
    this.#spare.delete(bytes)
    return new PackBuilder(typeOf(sort), this.#options.sealer, spare === undefined ? bytes : emptyContents(spare))
  }

  /** The sealed bytes give back the frame, and the frame the blob. */
  #verify({ id, uncompressedLength }: PackedBlob, sealed: Uint8Array, frame: Uint8Array): void {
    if (!this.#options.sealer.isSealOf(frame, sealed)) throw notAsWritten(id)
    if (plainIdOf(frame, uncompressedLength) !== id) throw notAsWritten(id)
  }

  /** A blob of an open pack, and a copy of its sealed bytes. */
  find(type: BlobType, id: BlobId): UnsavedBlob | undefined {
    for (const { contents } of this.#open.values()) {
      const found = findIn(contents, type, id)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Gives the open packs away, with their buffers. */
  takeLeftovers(): readonly Leftover[] {
    const leftovers = [...this.#open].map(([sort, builder]) => ({ sort, ...builder.contents }))
    this.#open.clear()
    return leftovers
  }

  /** Takes the buffer of a pack back, to fill it again. */
  reuse(buffer: ArrayBuffer): void {
    const isWanted = PACK_SORTS.some((sort) => PACK_BYTES[sort] === buffer.byteLength)
    if (isWanted && !this.#spare.has(buffer.byteLength)) this.#spare.set(buffer.byteLength, buffer)
    else discard(new Uint8Array(buffer))
  }
}

/** The id of what is in a frame; undefined if nothing can be read from it. */
function plainIdOf(frame: Uint8Array, plainBytes: number): string | undefined {
  const stored = storedPieces(frame)
  if (stored !== undefined) return hashOf(stored)
  try {
    const plain = decompressNow(frame, plainBytes)
    const id = sha256(plain)
    discard(plain)
    return id
  } catch {
    return undefined
  }
}

function hashOf(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

function notAsWritten(id: BlobId): Error {
  return damaged(`The blob ${id}`, 'it did not read back as written; the memory of this machine may be bad')
}
