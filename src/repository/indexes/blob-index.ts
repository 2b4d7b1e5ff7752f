import assert from 'node:assert/strict'
import type { BlobId, Id } from '../format/id.ts'
import { randomSeed, seededHash } from './seeded-hash.ts'

/** A piece of a file, or a folder. The same bytes may be stored as both. */
export type BlobType = 'data' | 'tree'

/** Where a blob lies in a pack. */
export interface PackedBlob {
  readonly type: BlobType
  readonly id: BlobId
  readonly offset: number
  /** Sealed, as it is stored. */
  readonly length: number
  /** Of the plain content; 0 when the blob is stored uncompressed. */
  readonly uncompressedLength: number
}

/** A blob, and the pack that it lies in. */
export interface BlobLocation extends PackedBlob {
  readonly packId: Id
}

const ENTRY_WORDS = 12
const SEGMENT_ENTRIES_LOG2 = 16
const SEGMENT_ENTRIES = 1 << SEGMENT_ENTRIES_LOG2
const TREE_BIT = 0x8000_0000
const SLOTS_MIN = 1024

/**
 * Which blob lies where. An entry is 48 bytes (id 32, pack and type 4, offset 4, length 4, plain length 4) in segments that never
 * move, and an open-addressing table of 4-byte slots, at most two thirds full: 54 to 60 bytes per blob in all.
 * A blob may lie in several packs; the copy that was added first is found first.
 */
export class BlobIndex {
  readonly #packIds: Id[] = []
  /** Where the blobs of each pack begin: they are added together. */
  readonly #packStarts: number[] = []
  readonly #packNumbers = new Map<Id, number>()
  readonly #segments: Uint32Array[] = []
  readonly #seed = randomSeed()
  readonly #wanted = new Uint32Array(8)
  readonly #wantedBytes = Buffer.from(this.#wanted.buffer)
  #slots = new Uint32Array(SLOTS_MIN)
  #count = 0

  get blobCount(): number {
    return this.#count
  }

  get packCount(): number {
    return this.#packIds.length
  }

  hasPack(packId: Id): boolean {
    return this.#packNumbers.has(packId)
  }

  /** Adds a pack with all its blobs; a pack that is known already is left as it is. */
  addPack(packId: Id, blobs: readonly PackedBlob[]): void {
    if (this.#packNumbers.has(packId)) return
    const packNumber = this.#packIds.push(packId) - 1
    this.#packNumbers.set(packId, packNumber)
    this.#packStarts.push(this.#count)
    for (const blob of blobs) this.#add(packNumber, blob)
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.numberOf(type, id) !== undefined
  }

  find(type: BlobType, id: BlobId): BlobLocation | undefined {
    const entry = this.numberOf(type, id)
    return entry === undefined ? undefined : this.#locationAt(entry)
  }

  /** Every copy of a blob. */
  findAll(type: BlobType, id: BlobId): readonly BlobLocation[] {
    const entries: number[] = []
    for (let slot = this.#seek(type, id); slot !== undefined; slot = this.#matchFrom(slot + 1, type)) {
      entries.push(this.#slots[slot]! - 1)
    }
    return entries.map((entry) => this.#locationAt(entry))
  }

  /** Every copy of every blob, in the order of adding: pack by pack. */
  *blobs(): Generator<BlobLocation> {
    for (let entry = 0; entry < this.#count; entry++) yield this.#locationAt(entry)
  }

  /** In the order of adding. */
  packIds(): Iterable<Id> {
    return this.#packIds.values()
  }

  /** A copy that does not know these packs. */
  without(packIds: ReadonlySet<Id>): BlobIndex {
    const rest = new BlobIndex()
    for (const id of this.#packIds) if (!packIds.has(id)) rest.addPack(id, this.blobsOf(id))
    return rest
  }

  /** The blobs of one pack, in the order of adding; none for a pack that is not known. */
  blobsOf(packId: Id): readonly BlobLocation[] {
    const packNumber = this.#packNumbers.get(packId)
    if (packNumber === undefined) return []
    const start = this.#packStarts[packNumber]!
    const end = this.#packStarts[packNumber + 1] ?? this.#count
    return Array.from({ length: end - start }, (_, index) => this.#locationAt(start + index))
  }

  /** The first copy's place in the order of adding, for sets kept as bits; undefined if the blob is unknown. */
  numberOf(type: BlobType, id: BlobId): number | undefined {
    const slot = this.#seek(type, id)
    return slot === undefined ? undefined : this.#slots[slot]! - 1
  }

  #add(packNumber: number, blob: PackedBlob): void {
    if (this.#count * 3 >= this.#slots.length * 2) this.#grow()
    const entry = this.#count++
    if (entry >>> SEGMENT_ENTRIES_LOG2 === this.#segments.length) {
      this.#segments.push(new Uint32Array(SEGMENT_ENTRIES * ENTRY_WORDS))
    }
    const segment = this.#segmentOf(entry)
    const at = wordOf(entry)
    this.#wantedBytes.write(blob.id, 'hex')
    segment.set(this.#wanted, at)
    segment[at + 8] = packNumber | (blob.type === 'tree' ? TREE_BIT : 0)
    segment[at + 9] = blob.offset
    segment[at + 10] = blob.length
    segment[at + 11] = blob.uncompressedLength
    this.#occupy(entry)
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let entry = 0; entry < this.#count; entry++) this.#occupy(entry)
  }

  #occupy(entry: number): void {
    const segment = this.#segmentOf(entry)
    const at = wordOf(entry)
    const mask = this.#slots.length - 1
    let slot = seededHash(this.#seed, segment[at]!, segment[at + 1]!) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = entry + 1
  }

  /** The slot of the first copy. */
  #seek(type: BlobType, id: BlobId): number | undefined {
    this.#wantedBytes.write(id, 'hex')
    return this.#matchFrom(seededHash(this.#seed, this.#wanted[0]!, this.#wanted[1]!), type)
  }

  /** The next slot, from this one on, that holds the wanted id. */
  #matchFrom(from: number, type: BlobType): number | undefined {
    const mask = this.#slots.length - 1
    for (let slot = from & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#isWanted(this.#slots[slot]! - 1, type)) return slot
    }
    return undefined
  }

  #isWanted(entry: number, type: BlobType): boolean {
    const segment = this.#segmentOf(entry)
    const at = wordOf(entry)
    for (let word = 0; word < 8; word++) if (segment[at + word] !== this.#wanted[word]) return false
    return segment[at + 8]! >= TREE_BIT === (type === 'tree')
  }

  #locationAt(entry: number): BlobLocation {
    const segment = this.#segmentOf(entry)
    const at = wordOf(entry)
    const id = Buffer.from(segment.buffer, at * 4, 32).toString('hex') as BlobId
    const packAndType = segment[at + 8]!
    const packId = this.#packIds[packAndType & ~TREE_BIT]
    assert(packId !== undefined)
    return {
      type: packAndType >= TREE_BIT ? 'tree' : 'data',
      id,
      packId,
      offset: segment[at + 9]!,
      length: segment[at + 10]!,
      uncompressedLength: segment[at + 11]!,
    }
  }

  #segmentOf(entry: number): Uint32Array {
    const segment = this.#segments[entry >>> SEGMENT_ENTRIES_LOG2]
    assert(segment !== undefined)
    return segment
  }
}

function wordOf(entry: number): number {
  return (entry & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS
}
