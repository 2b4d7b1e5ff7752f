import { concatBytes } from '../base/bytes.ts'
import { BINARY_MAGIC } from './binary-reader.ts'
import { cocoaSecondsOf } from './cocoa-date.ts'
import { checkWhole, fitsInto } from './integer.ts'
import { checkDepth, NESTING_MAX } from './limits.ts'
import { dictOf, isPlistArray, type Plist, PlistReal, PlistUid } from './value.ts'

/** Equal data up to this size is written once; larger data is not worth comparing. */
const SHARED_DATA_BYTES_MAX = 1024

/** One object of the file: a value, and for containers what it refers to (a dictionary's keys first, then its values). */
interface Node {
  readonly value: Plist
  readonly depth: number
  refs: readonly number[]
}

/**
 * A property list in Apple's binary form (`bplist00`). Equal scalars are written once, references are as short as can be.
 * Throws `plist.too-big` beyond 512 levels or for whole numbers that do not fit into 128 bits.
 * Source: docs/protocol/property-lists.md#binary
 */
export function encodeBinaryPlist(value: Plist): Uint8Array {
  const nodes = flatten(value)
  const refBytes = uintSize(nodes.length)
  const objects = nodes.map((node) => encodeNode(node, refBytes))
  const offsets: number[] = []
  let end = BINARY_MAGIC.length
  for (const object of objects) {
    offsets.push(end)
    end += object.length
  }
  const offsetBytes = uintSize(end)
  const trailer = encodeTrailer({ offsetBytes, refBytes, objectCount: nodes.length, tableStart: end })
  return concatBytes([Buffer.from(BINARY_MAGIC, 'latin1'), ...objects, encodeUints(offsets, offsetBytes), trailer])
}

/** The value and everything in it as a numbered list, breadth first; the value itself is number 0. */
function flatten(root: Plist): readonly Node[] {
  const nodes: Node[] = []
  const known = new Map<string | number | bigint | boolean, number>()
  const idOf = (value: Plist, depth: number): number => {
    const identity = identityOf(value)
    const id = identity === undefined ? undefined : known.get(identity)
    if (id !== undefined) return id
    if (identity !== undefined) known.set(identity, nodes.length)
    return nodes.push({ value, depth, refs: [] }) - 1
  }
  idOf(root, 1)
  for (const node of nodes) {
    const children = childrenOf(node.value)
    if (children === undefined) continue
    checkDepth(node.depth, NESTING_MAX)
    node.refs = children.map((child) => idOf(child, node.depth + 1))
  }
  return nodes
}

function childrenOf(value: Plist): readonly Plist[] | undefined {
  if (isPlistArray(value)) return value
  const dict = dictOf(value)
  return dict && [...Object.keys(dict), ...Object.values(dict)]
}

/** The same for values that may share one object, different for all others; undefined for what is not compared. */
function identityOf(value: Plist): string | number | bigint | boolean | undefined {
  if (typeof value === 'string') return `text ${value}`
  if (typeof value !== 'object') return value
  if (value instanceof Date) return `date ${value.getTime()}`
  if (value instanceof PlistUid) return `uid ${value.value}`
  if (value instanceof PlistReal) return `real ${Object.is(value.value, -0) ? '-0' : value.value}`
  if (!(value instanceof Uint8Array) || value.length > SHARED_DATA_BYTES_MAX) return undefined
  return `data ${Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')}`
}

function encodeNode({ value, refs }: Node, refBytes: number): Uint8Array {
  if (typeof value === 'string') return encodeText(value)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0x09 : 0x08)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? encodeInteger(value) : encodeDouble(0x23, value)
  if (typeof value === 'bigint') return encodeInteger(value)
  if (value instanceof PlistReal) return encodeDouble(0x23, value.value)
  if (value instanceof PlistUid) return encodeUid(value.value)
  if (value instanceof Date) return encodeDouble(0x33, cocoaSecondsOf(value))
  if (value instanceof Uint8Array) return encodeRun(0x40, value.length, value)
  if (isPlistArray(value)) return encodeRun(0xa0, refs.length, encodeUints(refs, refBytes))
  return encodeRun(0xd0, refs.length / 2, encodeUints(refs, refBytes))
}

/** Kind and count, then the content; counts from 15 on are an integer of their own. */
function encodeRun(kind: number, count: number, content: Uint8Array): Uint8Array {
  const head = count < 0x0f ? [Uint8Array.of(kind | count)] : [Uint8Array.of(kind | 0x0f), encodeInteger(count)]
  return concatBytes([...head, content])
}

function encodeText(text: string): Uint8Array {
  if (isAscii(text)) return encodeRun(0x50, text.length, Buffer.from(text, 'latin1'))
  return encodeRun(0x60, text.length, Buffer.from(text, 'utf16le').swap16())
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}

/** 1, 2 and 4 bytes are unsigned; 8 bytes are signed, and so are the 16 bytes for what does not fit into them. */
function encodeInteger(value: number | bigint): Uint8Array {
  if (value >= 0 && value <= 0xffff_ffff) {
    const size = uintSize(Number(value))
    return encodeUint(0x10 | (size >> 1), Number(value), size)
  }
  const whole = BigInt(value)
  checkWhole(whole)
  const bits = fitsInto(64, whole) ? 64 : 128
  const bytes = Buffer.alloc(1 + bits / 8)
  bytes.writeUInt8(bits === 64 ? 0x13 : 0x14)
  if (bits === 128) bytes.writeBigInt64BE(whole >> 64n, 1)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, whole), bytes.length - 8)
  return bytes
}

function encodeUid(value: number): Uint8Array {
  const size = uintSize(value)
  return encodeUint(0x80 | (size - 1), value, size)
}

function encodeUint(marker: number, value: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(1 + size)
  bytes.writeUInt8(marker)
  bytes.writeUIntBE(value, 1, size)
  return bytes
}

function encodeDouble(marker: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(9)
  bytes.writeUInt8(marker)
  bytes.writeDoubleBE(value, 1)
  return bytes
}

function encodeUints(values: readonly number[], size: number): Uint8Array {
  const bytes = Buffer.alloc(values.length * size)
  for (const [index, value] of values.entries()) bytes.writeUIntBE(value, index * size, size)
  return bytes
}

/** The fewest bytes of 1, 2 or 4 that hold the number; files and references never need more. */
function uintSize(value: number): number {
  if (value <= 0xff) return 1
  return value <= 0xffff ? 2 : 4
}

interface Trailer {
  readonly offsetBytes: number
  readonly refBytes: number
  readonly objectCount: number
  readonly tableStart: number
}

function encodeTrailer({ offsetBytes, refBytes, objectCount, tableStart }: Trailer): Uint8Array {
  const trailer = Buffer.alloc(32)
  trailer.writeUInt8(offsetBytes, 6)
  trailer.writeUInt8(refBytes, 7)
  trailer.writeBigUInt64BE(BigInt(objectCount), 8)
  trailer.writeBigUInt64BE(BigInt(tableStart), 24)
  return trailer
}
