import { utf8 } from '../base/bytes.ts'
import { checkWhole } from './integer.ts'
import { checkDepth, NESTING_MAX } from './limits.ts'
import { isPlistArray, type Plist, type PlistDict, PlistReal, PlistUid } from './value.ts'

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`
const LINE_COLUMNS = 76
const TAB_COLUMNS = 8

/**
 * A property list in Apple's XML form: tabs for indentation, data in lines of base64. Dates lose their fractions of a
 * second, halves of surrogate pairs become U+FFFD; control characters become references (`&#13;`), which survive readers
 * that would change them as they are.
 * Throws `plist.too-big` beyond 512 levels or for whole numbers that do not fit into 128 bits.
 * Source: docs/protocol/property-lists.md#xml
 */
export function encodeXmlPlist(value: Plist): Uint8Array {
  const lines: string[] = []
  writeValue(lines, value, 0)
  return utf8(`${HEAD}${lines.join('\n')}\n</plist>\n`)
}

function writeValue(lines: string[], value: Plist, depth: number): void {
  if (isPlistArray(value)) writeArray(lines, value, depth)
  else if (value instanceof Uint8Array) writeData(lines, value, depth)
  else if (value instanceof PlistUid) writeDict(lines, { CF$UID: value.value }, depth)
  else if (isScalar(value)) lines.push('\t'.repeat(depth) + encodeScalar(value))
  else writeDict(lines, value, depth)
}

/** What is written on one line. */
type Scalar = string | number | bigint | boolean | PlistReal | Date

function isScalar(value: Plist): value is Scalar {
  return typeof value !== 'object' || value instanceof PlistReal || value instanceof Date
}

function encodeScalar(value: Scalar): string {
  if (typeof value === 'string') return `<string>${escapeText(value)}</string>`
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>'
  if (typeof value === 'bigint') return encodeInteger(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? encodeInteger(BigInt(value)) : encodeReal(value)
  return value instanceof PlistReal ? encodeReal(value.value) : `<date>${encodeDate(value)}</date>`
}

function encodeInteger(value: bigint): string {
  checkWhole(value)
  return `<integer>${value}</integer>`
}

function encodeReal(value: number): string {
  if (Number.isNaN(value)) return '<real>nan</real>'
  if (!Number.isFinite(value)) return value > 0 ? '<real>+infinity</real>' : '<real>-infinity</real>'
  return `<real>${Object.is(value, -0) ? '-0' : value}</real>`
}

/** `toISOString` without milliseconds, and without the sign and the zeros that it gives to years beyond 9999. */
function encodeDate(date: Date): string {
  const text = date.toISOString().replace(/\.\d+Z$/, 'Z')
  return text.replace(/^([+-])0*(\d{4,}-)/, (_, sign: string, rest: string) => (sign === '-' ? `-${rest}` : rest))
}

function writeArray(lines: string[], items: readonly Plist[], depth: number): void {
  checkDepth(depth + 1, NESTING_MAX)
  const indent = '\t'.repeat(depth)
  if (items.length === 0) {
    lines.push(`${indent}<array/>`)
    return
  }
  lines.push(`${indent}<array>`)
  for (const item of items) writeValue(lines, item, depth + 1)
  lines.push(`${indent}</array>`)
}

function writeDict(lines: string[], dict: PlistDict, depth: number): void {
  checkDepth(depth + 1, NESTING_MAX)
  const indent = '\t'.repeat(depth)
  const entries = Object.entries(dict)
  if (entries.length === 0) {
    lines.push(`${indent}<dict/>`)
    return
  }
  lines.push(`${indent}<dict>`)
  for (const [key, value] of entries) {
    lines.push(`${indent}\t<key>${escapeText(key)}</key>`)
    writeValue(lines, value, depth + 1)
  }
  lines.push(`${indent}</dict>`)
}

/** As many columns as Apple uses: 76 together with the indentation, which counts as at most eight tabs of eight. */
function writeData(lines: string[], data: Uint8Array, depth: number): void {
  const indent = '\t'.repeat(depth)
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  const columns = LINE_COLUMNS - TAB_COLUMNS * Math.min(depth, 8)
  lines.push(`${indent}<data>`)
  for (let at = 0; at < text.length; at += columns) lines.push(indent + text.slice(at, at + columns))
  lines.push(`${indent}</data>`)
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be escaped
  return text.replace(/[&<>\x00-\x08\x0b-\x1f]/g, (found) => ESCAPES[found] ?? `&#${found.charCodeAt(0)};`)
}
