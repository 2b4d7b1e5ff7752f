import assert from 'node:assert/strict'

/** A file of a tree, in memory. Its ids are one text: an array for each of a million files would be most of the memory. */
export interface FileEntry {
  readonly kind: 'file'
  /** The ids of its blobs, one after the other. */
  readonly ids: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Permission bits. */
  readonly mode: number
}

const NAME_WORDS = 5
const ID_WORDS = 8
const ID_DIGITS = 64
const TWO_32 = 2 ** 32

/** Where the parts of a record are, in words of 32 bits; the name comes first. */
const ID = NAME_WORDS
const SIZE_LOW = ID + ID_WORDS
/** The 21 upper bits of the size, above them 9 permission bits, and whether the record holds the file's only id. */
const SIZE_HIGH = SIZE_LOW + 1
const TIME_LOW = SIZE_HIGH + 1
const TIME_HIGH = TIME_LOW + 1
const RECORD_WORDS = TIME_HIGH + 1

const SIZE_HIGH_MASK = 0x1f_ffff
const MODE_SHIFT = 21
const MODE_MASK = 0o777
const HAS_ONE_ID = 1 << 30

const SEGMENT_RECORDS_LOG2 = 12
const SEGMENT_RECORDS = 1 << SEGMENT_RECORDS_LOG2

/** What a record is found by: a SHA-1 in hexadecimal, as nearly all files of a phone's backup are named. */
export type HashName = Uint32Array

/**
 * The name as words; undefined if it is of any other form. The words serve the next call, too: use them at once.
 */
export function parseHashName(name: string): HashName | undefined {
  if (!HASH_NAME.test(name)) return undefined
  nameBytes.write(name, 'hex')
  return nameWords
}

const HASH_NAME = /^[0-9a-f]{40}$/
const nameWords = new Uint32Array(NAME_WORDS)
const nameBytes = Buffer.from(nameWords.buffer)

/**
 * The files of a tree as records of 68 bytes, in segments that never move; a record that was removed is used again. The ids of a
 * file of several blobs lie beside them, 32 bytes each.
 */
export class FileRecords {
  readonly #segments: Uint32Array<ArrayBuffer>[] = []
  /** Of files of several blobs: each byte a character. */
  readonly #idLists = new Map<number, string>()
  readonly #idWords = new Uint32Array(ID_WORDS)
  readonly #idBytes = Buffer.from(this.#idWords.buffer)
  #used = 0
  /** The records that were removed, each leading to the one before it. */
  #free: number | undefined

  /** Memory, but for that of the ids of files of several blobs. */
  get bytes(): number {
    return this.#segments.length * SEGMENT_RECORDS * RECORD_WORDS * 4
  }

  /** False for sizes, times and modes that no record can hold. */
  canHold({ sizeBytes, modifiedMs, mode }: FileEntry): boolean {
    const isSized = Number.isSafeInteger(sizeBytes) && sizeBytes >= 0
    return isSized && Number.isSafeInteger(modifiedMs) && (mode & ~MODE_MASK) === 0
  }

  /** The number of the new record. */
  add(name: HashName, file: FileEntry): number {
    const number = this.#take()
    const segment = this.#segmentOf(number)
    const at = wordOf(number)
    segment.set(name, at)
    segment[at + SIZE_LOW] = file.sizeBytes
    segment[at + SIZE_HIGH] = Math.floor(file.sizeBytes / TWO_32) | (file.mode << MODE_SHIFT)
    segment[at + TIME_LOW] = file.modifiedMs
    segment[at + TIME_HIGH] = Math.floor(file.modifiedMs / TWO_32)
    this.#writeIds(number, file.ids)
    return number
  }

  #writeIds(number: number, ids: string): void {
    if (ids.length > ID_DIGITS) this.#idLists.set(number, Buffer.from(ids, 'hex').toString('latin1'))
    if (ids.length !== ID_DIGITS) return
    const segment = this.#segmentOf(number)
    const at = wordOf(number)
    this.#idBytes.write(ids, 'hex')
    segment.set(this.#idWords, at + ID)
    segment[at + SIZE_HIGH]! |= HAS_ONE_ID
  }

  fileAt(number: number): FileEntry {
    const segment = this.#segmentOf(number)
    const at = wordOf(number)
    const high = segment[at + SIZE_HIGH]!
    const ids =
      (high & HAS_ONE_ID) === 0
        ? Buffer.from(this.#idLists.get(number) ?? '', 'latin1').toString('hex')
        : hexOf(segment, at + ID, ID_WORDS)
    return {
      kind: 'file',
      ids,
      sizeBytes: (high & SIZE_HIGH_MASK) * TWO_32 + segment[at + SIZE_LOW]!,
      modifiedMs: (segment[at + TIME_HIGH]! | 0) * TWO_32 + segment[at + TIME_LOW]!,
      mode: (high >>> MODE_SHIFT) & MODE_MASK,
    }
  }

  nameAt(number: number): string {
    return hexOf(this.#segmentOf(number), wordOf(number), NAME_WORDS)
  }

  isNamed(number: number, name: HashName): boolean {
    const segment = this.#segmentOf(number)
    const at = wordOf(number)
    for (let word = 0; word < NAME_WORDS; word++) if (segment[at + word] !== name[word]) return false
    return true
  }

  /** The first two words of the name. */
  startOf(number: number): readonly [number, number] {
    const segment = this.#segmentOf(number)
    const at = wordOf(number)
    return [segment[at]!, segment[at + 1]!]
  }

  remove(number: number): void {
    this.#idLists.delete(number)
    this.#segmentOf(number)[wordOf(number)] = this.#free ?? NONE
    this.#free = number
  }

  #take(): number {
    const free = this.#free
    if (free !== undefined) {
      const next = this.#segmentOf(free)[wordOf(free)]!
      this.#free = next === NONE ? undefined : next
      return free
    }
    const number = this.#used++
    if (number >>> SEGMENT_RECORDS_LOG2 === this.#segments.length) {
      this.#segments.push(new Uint32Array(SEGMENT_RECORDS * RECORD_WORDS))
    }
    return number
  }

  #segmentOf(number: number): Uint32Array<ArrayBuffer> {
    const segment = this.#segments[number >>> SEGMENT_RECORDS_LOG2]
    assert(segment !== undefined)
    return segment
  }
}

const NONE = 0xffff_ffff

function wordOf(number: number): number {
  return (number & (SEGMENT_RECORDS - 1)) * RECORD_WORDS
}

function hexOf(segment: Uint32Array<ArrayBuffer>, at: number, words: number): string {
  return Buffer.from(segment.buffer, at * 4, words * 4).toString('hex')
}
