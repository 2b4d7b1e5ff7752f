import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { concatBytes, viewOf } from '../../base/bytes.ts'
import { damaged } from '../errors.ts'
import { SEAL_BYTES, type Sealer } from '../format/crypto.ts'
import type { BlobId, Id } from '../format/id.ts'
import type { BlobType, PackedBlob } from '../indexes/blob-index.ts'

/** restic reads no larger headers. */
export const HEADER_BYTES_MAX = 16 * 1024 * 1024
/** The length of the header, at the very end of a pack. */
export const TRAILER_BYTES = 4

const PLAIN_ENTRY_BYTES = 37
const COMPRESSED_ENTRY_BYTES = 41

/** Bit 0 of an entry's type byte. */
const TREE = 1
/** Bit 1 of an entry's type byte. */
const COMPRESSED = 2

/** The plain header: an entry per blob, in the order in which they lie. Source: docs/protocol/restic-repository.md#pack. */
export function encodeHeader(blobs: readonly PackedBlob[]): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(blobs.reduce((size, blob) => size + entryBytes(blob), 0))
  const view = viewOf(header)
  let at = 0
  for (const blob of blobs) {
    const compressed = blob.uncompressedLength !== 0
    header[at] = (blob.type === 'tree' ? TREE : 0) | (compressed ? COMPRESSED : 0)
    view.setUint32(at + 1, blob.length, true)
    if (compressed) view.setUint32(at + 5, blob.uncompressedLength, true)
    at += entryBytes(blob)
    header.set(Buffer.from(blob.id, 'hex'), at - 32)
  }
  return header
}

/** How many bytes a whole pack with these blobs has: they, the sealed header, and its length. */
export function packBytes(blobs: readonly PackedBlob[]): number {
  return blobs.reduce((size, blob) => size + blob.length + entryBytes(blob), SEAL_BYTES + TRAILER_BYTES)
}

/** How many bytes of the plain header are about this blob. */
export function entryBytes(blob: PackedBlob): number {
  return blob.uncompressedLength === 0 ? PLAIN_ENTRY_BYTES : COMPRESSED_ENTRY_BYTES
}

/** Undefined when the bytes are no header. Offsets follow from the order. */
export function decodeHeader(header: Uint8Array): readonly PackedBlob[] | undefined {
  const blobs: PackedBlob[] = []
  const view = viewOf(header)
  let offset = 0
  for (let at = 0; at < header.length; ) {
    const kind = header[at]!
    const compressed = (kind & COMPRESSED) !== 0
    const size = compressed ? COMPRESSED_ENTRY_BYTES : PLAIN_ENTRY_BYTES
    if (kind > (TREE | COMPRESSED) || at + size > header.length) return undefined
    const length = view.getUint32(at + 1, true)
    const uncompressedLength = compressed ? view.getUint32(at + 5, true) : 0
    if (length < SEAL_BYTES || (compressed && uncompressedLength === 0)) return undefined
    const id = Buffer.from(header.subarray(at + size - 32, at + size)).toString('hex') as BlobId
    blobs.push({ type: (kind & TREE) === 0 ? 'data' : 'tree', id, offset, length, uncompressedLength })
    offset += length
    at += size
  }
  return blobs
}

/** Sealed blobs, one after the other: a pack without its header. */
export interface PackContents {
  readonly blobs: readonly PackedBlob[]
  readonly body: Uint8Array<ArrayBuffer>
}

/** Nothing yet, in a buffer that may have held something before. */
export function emptyContents(buffer: ArrayBuffer): PackContents {
  return { blobs: [], body: new Uint8Array(buffer, 0, 0) }
}

/** A pack that is complete and can be saved under its id. The body lies in the builder's buffer until it is reset. */
export interface FinishedPack extends PackContents {
  readonly id: Id
  /** The body, then the header and its length. */
  readonly pieces: readonly Uint8Array[]
  readonly sizeBytes: number
}

/** Fills one pack after the other in the same buffer. A pack holds blobs of one type only. */
export class PackBuilder {
  readonly #type: BlobType
  readonly #sealer: Sealer
  readonly #buffer: Uint8Array<ArrayBuffer>
  #blobs: PackedBlob[]
  #filled: number

  /** Begins an empty pack with so much room, or goes on with what another builder has begun, in its buffer. */
  constructor(type: BlobType, sealer: Sealer, start: number | PackContents) {
    const { blobs, body } = typeof start === 'number' ? emptyContents(new ArrayBuffer(start)) : start
    this.#type = type
    this.#sealer = sealer
    this.#buffer = new Uint8Array(body.buffer)
    this.#blobs = [...blobs]
    this.#filled = body.length
  }

  get filledBytes(): number {
    return this.#filled
  }

  /** How many more bytes fit into the buffer. */
  get roomBytes(): number {
    return this.#buffer.length - this.#filled
  }

  get blobCount(): number {
    return this.#blobs.length
  }

  /** The sealed bytes of a blob of this pack. */
  sealedAt({ offset, length }: PackedBlob): Uint8Array {
    return this.#buffer.subarray(offset, offset + length)
  }

  /** What was appended so far, as it lies in the builder's buffer. */
  get contents(): PackContents {
    return { blobs: this.#blobs, body: this.#buffer.subarray(0, this.#filled) }
  }

  append(id: BlobId, { frame, plainBytes }: { readonly frame: Uint8Array; readonly plainBytes: number }): PackedBlob {
    const length = this.#sealer.sealInto(this.#buffer.subarray(this.#filled), frame)
    const blob = { type: this.#type, id, offset: this.#filled, length, uncompressedLength: plainBytes }
    this.#blobs.push(blob)
    this.#filled += length
    return blob
  }

  /** Takes a blob over as it lies in another pack of the same repository. */
  appendSealed(blob: PackedBlob, sealed: Uint8Array): void {
    assert(sealed.length === blob.length && blob.type === this.#type)
    this.#buffer.set(sealed, this.#filled)
    const { type, id, length, uncompressedLength } = blob
    this.#blobs.push({ type, id, offset: this.#filled, length, uncompressedLength })
    this.#filled += length
  }

  /** Seals the header, reads it back, and names the pack. */
  finish(): FinishedPack {
    assert(this.#blobs.length > 0)
    const header = this.#sealer.seal(encodeHeader(this.#blobs))
    const readBack = this.#sealer.open(header)
    if (readBack === undefined || !isDeepStrictEqual(decodeHeader(readBack), this.#blobs)) {
      throw damaged('A pack header', 'it did not read back as written; the memory of this machine may be bad')
    }
    const trailer = new Uint8Array(TRAILER_BYTES)
    viewOf(trailer).setUint32(0, header.length, true)
    const tail = concatBytes([header, trailer])
    const body = this.#buffer.subarray(0, this.#filled)
    const id = createHash('sha256').update(body).update(tail).digest('hex') as Id
    return { id, blobs: this.#blobs, body, pieces: [body, tail], sizeBytes: body.length + tail.length }
  }

  /** Forgets the pack; the buffer is used again. */
  reset(): void {
    this.#blobs = []
    this.#filled = 0
  }
}
