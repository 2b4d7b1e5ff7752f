import type { BlobId } from '../format/id.ts'
import type { BlobIndex, BlobLocation, BlobType } from './blob-index.ts'

/**
 * What a mark found: a blob that was not marked before, one that was, or one that the index did not list when the marks were
 * made.
 */
export type Marked = 'first' | 'again' | 'unknown'

/**
 * Marks on the blobs of an index, one bit for each: which are in use, which were seen. The copies of a blob share one mark.
 * What is added to the index later has no mark and cannot get one.
 */
export class BlobMarks {
  readonly #index: BlobIndex
  readonly #blobCount: number
  readonly #bits: Uint8Array
  #count = 0

  constructor(index: BlobIndex) {
    this.#index = index
    this.#blobCount = index.blobCount
    this.#bits = new Uint8Array(Math.ceil(index.blobCount / 8))
  }

  /** How many blobs are marked; the copies of a blob count once. */
  get count(): number {
    return this.#count
  }

  mark(type: BlobType, id: BlobId): Marked {
    const number = this.#index.numberOf(type, id)
    if (number === undefined || number >= this.#blobCount) return 'unknown'
    if (this.#isSet(number)) return 'again'
    this.#bits[number >>> 3]! |= 1 << (number & 7)
    this.#count++
    return 'first'
  }

  has(type: BlobType, id: BlobId): boolean {
    const number = this.#index.numberOf(type, id)
    return number !== undefined && this.#isSet(number)
  }

  /** Every copy of every blob that is not marked, in the order of adding, which is pack by pack. */
  *unmarked(): Generator<BlobLocation> {
    for (const blob of this.#index.blobs()) if (!this.has(blob.type, blob.id)) yield blob
  }

  #isSet(number: number): boolean {
    return ((this.#bits[number >>> 3] ?? 0) & (1 << (number & 7))) !== 0
  }
}
