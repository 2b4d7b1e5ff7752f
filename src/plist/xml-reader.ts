import { isUtf8 } from 'node:buffer'
import { malformed } from './errors.ts'
import { fitsInto, wholeFrom } from './integer.ts'
import { Budget, type PlistLimits } from './limits.ts'
import { type Plist, type PlistDict, PlistReal, PlistUid } from './value.ts'
import {
  byteOrderMarkSize,
  checkEnd,
  expect,
  nextTag,
  readText,
  type Tag,
  unexpected,
  type XmlScan,
} from './xml-scanner.ts'

/**
 * Reads an XML property list (UTF-8). No entities but the five of XML and character references, no declarations, nothing
 * external. Control characters are taken as they are; of a key that occurs twice the last value stays.
 * Throws `plist.malformed` and `plist.too-big`. Source: docs/protocol/property-lists.md#xml
 */
export function readXmlPlist(bytes: Uint8Array, limits: PlistLimits): Plist {
  if (!isUtf8(bytes)) throw malformed('An XML property list is not in UTF-8')
  const scan: XmlScan = {
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    budget: new Budget(limits),
    at: byteOrderMarkSize(bytes),
  }
  expect(nextTag(scan), 'open', 'plist')
  const value = readValue(scan, nextTag(scan))
  expect(nextTag(scan), 'close', 'plist')
  checkEnd(scan)
  return value
}

function readValue(scan: XmlScan, tag: Tag): Plist {
  scan.budget.visit()
  if (tag.kind === 'close') throw unexpected(tag)
  switch (tag.name) {
    case 'dict':
      return uidFrom(readDict(scan, tag))
    case 'array':
      return readArray(scan, tag)
    case 'string':
      return readText(scan, tag)
    case 'true':
    case 'false':
      return readBool(scan, tag)
    case 'integer':
      return parseInteger(readText(scan, tag).trim(), tag)
    case 'real':
      return parseReal(readText(scan, tag).trim(), tag)
    case 'date':
      return parseDate(readText(scan, tag).trim(), tag)
    case 'data':
      return parseData(readText(scan, tag), tag)
    default:
      throw unexpected(tag)
  }
}

function readArray(scan: XmlScan, container: Tag): readonly Plist[] {
  const items: Plist[] = []
  for (const tag of childrenOf(scan, container)) items.push(readValue(scan, tag))
  return items
}

function readDict(scan: XmlScan, container: Tag): PlistDict {
  const dict: Record<string, Plist> = Object.create(null)
  for (const tag of childrenOf(scan, container)) {
    if (tag.name !== 'key') throw unexpected(tag)
    scan.budget.visit()
    const key = readText(scan, tag)
    dict[key] = readValue(scan, nextTag(scan))
  }
  return dict
}

/** The opening tags in a container, up to its end; whoever takes one reads on to where that element ends. */
function* childrenOf(scan: XmlScan, container: Tag): Generator<Tag> {
  if (container.kind === 'empty') return
  scan.budget.enter()
  let tag = nextTag(scan)
  for (; tag.kind !== 'close'; tag = nextTag(scan)) yield tag
  expect(tag, 'close', container.name)
  scan.budget.leave()
}

/** XML has no type for references into a keyed archive: they are dictionaries of one key. */
function uidFrom(dict: PlistDict): PlistDict | PlistUid {
  const { CF$UID: uid } = dict
  if (typeof uid !== 'number' || uid < 0 || uid >= 2 ** 32 || Object.keys(dict).length > 1) return dict
  return new PlistUid(uid)
}

function readBool(scan: XmlScan, tag: Tag): boolean {
  if (readText(scan, tag).trim() !== '') throw malformed(`<${tag.name}> at byte ${tag.at} is not empty`)
  return tag.name === 'true'
}

/** Longer ones do not fit into 128 bits, and take time to convert. */
const INTEGER_TEXT = /^([+-]?)(0[xX][0-9a-fA-F]{1,32}|[0-9]{1,39})$/

function parseInteger(text: string, tag: Tag): number | bigint {
  const [, sign, digits] = INTEGER_TEXT.exec(text) ?? []
  if (digits === undefined) throw badContent(tag, text)
  const value = BigInt(digits) * (sign === '-' ? -1n : 1n)
  if (!fitsInto(128, value)) throw badContent(tag, text)
  return wholeFrom(value)
}

const REAL_TEXT = /^[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,9})?$/
const INFINITY_TEXT = /^([+-]?)inf(?:inity)?$/i
const NAN_TEXT = /^[+-]?nan$/i

function parseReal(text: string, tag: Tag): PlistReal {
  if (REAL_TEXT.test(text)) return new PlistReal(Number(text))
  if (NAN_TEXT.test(text)) return new PlistReal(Number.NaN)
  const infinity = INFINITY_TEXT.exec(text)
  if (infinity === null) throw badContent(tag, text)
  return new PlistReal(infinity[1] === '-' ? -Infinity : Infinity)
}

const DATE_TEXT = /^(-?)([0-9]{1,6})(-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z)$/

/** JavaScript reads the same form when the year has a sign and six digits; "-000000" alone it does not take. */
function parseDate(text: string, tag: Tag): Date {
  const [, minus, year, rest] = DATE_TEXT.exec(text) ?? []
  if (year === undefined) throw badContent(tag, text)
  const sign = minus === '-' && Number(year) > 0 ? '-' : '+'
  const date = new Date(`${sign}${year.padStart(6, '0')}${rest}`)
  if (Number.isNaN(date.getTime())) throw badContent(tag, text)
  return date
}

function parseData(text: string, tag: Tag): Uint8Array {
  try {
    return Uint8Array.fromBase64(text)
  } catch (error) {
    throw malformed(`<data> at byte ${tag.at} is not base64`, error)
  }
}

function badContent(tag: Tag, text: string) {
  return malformed(`${JSON.stringify(text.slice(0, 60))} at byte ${tag.at} is no ${tag.name}`)
}
