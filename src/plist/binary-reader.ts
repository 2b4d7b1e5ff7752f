import { viewOf } from '../base/bytes.ts'
import { dateFromCocoa } from './cocoa-date.ts'
import { malformed } from './errors.ts'
import { wholeFrom } from './integer.ts'
import { Budget, type PlistLimits } from './limits.ts'
import { type Plist, type PlistDict, PlistReal, PlistUid } from './value.ts'

/** The first eight bytes of a binary property list. */
export const BINARY_MAGIC = 'bplist00'

const TRAILER_BYTES = 32
/** Without shared containers a file has at least one byte for each visit. */
const VISITS_PER_BYTE_MAX = 4

/** A binary list, its trailer, and what may still be spent on it. */
interface Reading {
  readonly bytes: Buffer
  readonly view: DataView
  readonly offsetBytes: number
  readonly refBytes: number
  readonly objectCount: number
  /** Where the offset table starts, and the objects end. */
  readonly tableStart: number
  /** The containers around the object being read, by object number. */
  readonly path: number[]
  readonly budget: Budget
}

/**
 * Reads a binary property list. Objects that several others refer to are read anew for each, so the result is a tree with
 * as many values as there were visits; more than four visits for each byte of the file are refused, whatever the limits.
 * Throws `plist.malformed` and `plist.too-big`. Source: docs/protocol/property-lists.md#binary
 */
export function readBinaryPlist(bytes: Uint8Array, limits: PlistLimits): Plist {
  if (bytes.length < BINARY_MAGIC.length + TRAILER_BYTES) {
    throw malformed(`A binary property list of ${bytes.length} bytes is too short to be one`)
  }
  const view = viewOf(bytes)
  const trailer = bytes.length - TRAILER_BYTES
  const reading: Reading = {
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    view,
    offsetBytes: view.getUint8(trailer + 6),
    refBytes: view.getUint8(trailer + 7),
    objectCount: uint64At(view, trailer + 8),
    tableStart: uint64At(view, trailer + 24),
    path: [],
    budget: new Budget({ ...limits, visitsMax: Math.min(limits.visitsMax, VISITS_PER_BYTE_MAX * bytes.length) }),
  }
  checkTrailer(reading)
  return readObject(reading, uint64At(view, trailer + 16))
}

function checkTrailer({ bytes, offsetBytes, refBytes, objectCount, tableStart }: Reading): void {
  if (offsetBytes < 1 || offsetBytes > 8 || refBytes < 1 || refBytes > 8) {
    throw malformed(
      `The trailer claims offsets of ${offsetBytes} and references of ${refBytes} bytes; 1 to 8 are possible`,
    )
  }
  const tableEndMax = bytes.length - TRAILER_BYTES
  if (tableStart + objectCount * offsetBytes > tableEndMax || objectCount > tableStart - BINARY_MAGIC.length) {
    throw malformed(`The trailer claims ${objectCount} objects before byte ${tableStart}, in ${bytes.length} bytes`)
  }
}

function readObject(reading: Reading, object: number): Plist {
  reading.budget.visit()
  const at = offsetOf(reading, object)
  const marker = reading.bytes[at]!
  const low = marker & 0x0f
  switch (marker >> 4) {
    case 0x0:
      return readBool(marker, at)
    case 0x1:
      return readInteger(reading, at)
    case 0x2:
      return readReal(reading, at)
    case 0x3:
      return readDate(reading, at)
    case 0x4:
      return readData(reading, at)
    case 0x5:
      return readAscii(reading, at)
    case 0x6:
      return readUtf16(reading, at)
    case 0x8:
      return readUid(reading, at, low + 1)
    case 0xa:
    case 0xb:
    case 0xc:
      return readArray(reading, at, object)
    case 0xd:
      return readDict(reading, at, object)
    default:
      throw unknownMarker(marker, at)
  }
}

function offsetOf(reading: Reading, object: number): number {
  if (object >= reading.objectCount) {
    throw malformed(`A reference to object ${object}, of ${reading.objectCount}`)
  }
  const at = uintAt(reading.bytes, reading.tableStart + object * reading.offsetBytes, reading.offsetBytes)
  if (at >= BINARY_MAGIC.length && at < reading.tableStart) return at
  throw malformed(`Object ${object} is said to be at byte ${at}, outside the objects`)
}

function readBool(marker: number, at: number): boolean {
  if (marker === 0x08) return false
  if (marker === 0x09) return true
  throw unknownMarker(marker, at)
}

function readInteger(reading: Reading, at: number): number | bigint {
  const size = 1 << (reading.bytes[at]! & 0x0f)
  if (size > 16) throw malformed(`An integer of ${size} bytes at byte ${at}`)
  const start = takeRoom(reading, at + 1, size)
  if (size <= 4) return uintAt(reading.bytes, start, size)
  if (size === 8) return wholeFrom(reading.view.getBigInt64(start))
  return wholeFrom((reading.view.getBigInt64(start) << 64n) | reading.view.getBigUint64(start + 8))
}

function readReal(reading: Reading, at: number): PlistReal {
  const marker = reading.bytes[at]!
  if (marker === 0x22) return new PlistReal(reading.view.getFloat32(takeRoom(reading, at + 1, 4)))
  if (marker === 0x23) return new PlistReal(reading.view.getFloat64(takeRoom(reading, at + 1, 8)))
  throw unknownMarker(marker, at)
}

function readDate(reading: Reading, at: number): Date {
  const marker = reading.bytes[at]!
  if (marker !== 0x33) throw unknownMarker(marker, at)
  const seconds = reading.view.getFloat64(takeRoom(reading, at + 1, 8))
  const date = dateFromCocoa(seconds)
  if (date === undefined) throw malformed(`A date ${seconds} seconds after 2001 at byte ${at}`)
  return date
}

function readData(reading: Reading, at: number): Uint8Array {
  const { start, count } = readRun(reading, at, 1)
  reading.budget.produce(count)
  return new Uint8Array(reading.bytes.subarray(start, start + count))
}

function readAscii(reading: Reading, at: number): string {
  const { start, count } = readRun(reading, at, 1)
  reading.budget.produce(count)
  let seen = 0
  for (let index = start; index < start + count; index++) seen |= reading.bytes[index]!
  if (seen > 0x7f) throw malformed(`A text at byte ${at} is marked as ASCII but is not`)
  return reading.bytes.toString('latin1', start, start + count)
}

function readUtf16(reading: Reading, at: number): string {
  const { start, count } = readRun(reading, at, 2)
  reading.budget.produce(count * 2)
  return Buffer.from(reading.bytes.subarray(start, start + count * 2))
    .swap16()
    .toString('utf16le')
}

function readUid(reading: Reading, at: number, size: number): PlistUid {
  const start = takeRoom(reading, at + 1, size)
  const value = uintAt(reading.bytes, start, size)
  if (value < 2 ** 32) return new PlistUid(value)
  throw malformed(`A reference to archived object ${value} at byte ${at}`)
}

function readArray(reading: Reading, at: number, object: number): readonly Plist[] {
  const { start, count } = readRun(reading, at, reading.refBytes)
  enter(reading, object)
  const items: Plist[] = []
  for (let index = 0; index < count; index++) items.push(readObject(reading, refAt(reading, start, index)))
  leave(reading)
  return items
}

function readDict(reading: Reading, at: number, object: number): PlistDict {
  const { start, count } = readRun(reading, at, 2 * reading.refBytes)
  enter(reading, object)
  const dict: Record<string, Plist> = Object.create(null)
  for (let index = 0; index < count; index++) {
    const key = readObject(reading, refAt(reading, start, index))
    if (typeof key !== 'string') throw malformed(`A dictionary at byte ${at} has a key that is not a text`)
    dict[key] = readObject(reading, refAt(reading, start, count + index))
  }
  leave(reading)
  return dict
}

function enter(reading: Reading, object: number): void {
  if (reading.path.includes(object)) throw malformed(`Object ${object} contains itself`)
  reading.path.push(object)
  reading.budget.enter()
}

function leave(reading: Reading): void {
  reading.path.pop()
  reading.budget.leave()
}

function refAt(reading: Reading, start: number, index: number): number {
  return uintAt(reading.bytes, start + index * reading.refBytes, reading.refBytes)
}

/** Where the items of a text, data or container start, and how many there are; they are known to fit. */
function readRun(reading: Reading, at: number, itemBytes: number): { start: number; count: number } {
  const short = reading.bytes[at]! & 0x0f
  if (short < 0x0f) return { start: takeRoom(reading, at + 1, short * itemBytes), count: short }
  const marker = reading.bytes[at + 1]!
  const size = 1 << (marker & 0x0f)
  if (marker >> 4 !== 0x1 || size > 8) throw unknownMarker(marker, at + 1)
  const count = uintAt(reading.bytes, takeRoom(reading, at + 2, size), size)
  return { start: takeRoom(reading, at + 2 + size, count * itemBytes), count }
}

/** Returns `start` when that many bytes are there before the objects end. */
function takeRoom(reading: Reading, start: number, size: number): number {
  if (start + size <= reading.tableStart) return start
  throw malformed(`An object needs ${size} bytes from byte ${start}, but the objects end at byte ${reading.tableStart}`)
}

/** Above 2^53 not exact; that is beyond any file, so every comparison still comes out right. */
function uintAt(bytes: Uint8Array, start: number, size: number): number {
  let value = 0
  for (let index = start; index < start + size; index++) value = value * 256 + bytes[index]!
  return value
}

function uint64At(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}

function unknownMarker(marker: number, at: number) {
  return malformed(`Byte ${at} is 0x${marker.toString(16).padStart(2, '0')}, which starts no known kind of object`)
}
