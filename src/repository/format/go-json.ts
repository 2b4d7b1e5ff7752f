import assert from 'node:assert/strict'
import { utf8 } from '../../base/bytes.ts'

/** JSON as Go's encoder writes it: compact, and with `<`, `>`, `&`, U+2028 and U+2029 escaped. Ids depend on every byte. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeRune)
}

function escapeRune(rune: string): string {
  return `\\u${rune.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** RFC 3339 in UTC with the shortest fraction: `2026-01-02T03:04:05.5Z`. */
export function goTime(ms: number): string {
  assert(Math.abs(ms - MIDDLE_MS) <= MIDDLE_MS - YEAR_ZERO_MS, `No time that RFC 3339 can write: ${ms}`)
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z')
}

const YEAR_ZERO_MS = Date.parse('0000-01-01T00:00:00Z')
const MIDDLE_MS = (YEAR_ZERO_MS + Date.parse('9999-12-31T23:59:59.999Z')) / 2

/** A name's bytes. A name that is not UTF-8 keeps each stray byte b as the lone surrogate U+DC00 + b. */
export function nameBytes(name: string): Uint8Array {
  if (name.isWellFormed()) return utf8(name)
  return Buffer.concat(
    Array.from(name, (rune) => (isStray(rune) ? Uint8Array.of(rune.charCodeAt(0) & 0xff) : utf8(rune))),
  )
}

/** The other way round: every sequence of bytes is a name, and `nameBytes` gives it back. */
export function nameOfBytes(bytes: Uint8Array): string {
  let name = ''
  for (let offset = 0; offset < bytes.length; ) {
    const size = runeSize(bytes, offset)
    name +=
      size === 0 ? String.fromCharCode(0xdc00 | bytes[offset]!) : decoder.decode(bytes.subarray(offset, offset + size))
    offset += size || 1
  }
  return name
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** How many bytes the valid UTF-8 sequence here has; 0 if there is none. */
function runeSize(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!
  if (first < 0x80) return 1
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  try {
    strict.decode(bytes.subarray(offset, offset + size))
    return offset + size <= bytes.length ? size : 0
  } catch {
    return 0
  }
}

function isStray(rune: string): boolean {
  return rune.length === 1 && rune >= '\udc80' && rune <= '\udcff'
}

/** True if a name can be stored and comes back the same: lone surrogates stand for stray bytes, and only where those are no UTF-8. */
export function isName(name: string): boolean {
  return name.isWellFormed() || nameOfBytes(nameBytes(name)) === name
}

/** A name as Go's `strconv.Quote` writes it, without the quotes around. This is what a tree holds, before JSON escapes it again. */
export function quoteName(name: string): string {
  if (PLAIN.test(name)) return name
  return Array.from(name, quoteRune).join('')
}

const PLAIN = /^[ !#-[\]-~]*$/
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const SHORT = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
])

function quoteRune(rune: string): string {
  const short = SHORT.get(rune)
  if (short !== undefined) return short
  const code = rune.codePointAt(0)!
  if (isStray(rune)) return `\\x${(code & 0xff).toString(16)}`
  if (PRINTABLE.test(rune)) return rune
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** The name behind a quoted one; undefined when Go's `strconv.Unquote` would refuse it. */
export function unquoteName(quoted: string): string | undefined {
  if (!/[\\"\n]/.test(quoted)) return quoted
  const pieces: Uint8Array[] = []
  for (let offset = 0; offset < quoted.length; ) {
    const token = TOKEN.exec(quoted.slice(offset, offset + 10))
    if (token === null) return undefined
    const bytes = tokenBytes(token)
    if (bytes === undefined) return undefined
    pieces.push(bytes)
    offset += token[0].length
  }
  return nameOfBytes(Buffer.concat(pieces))
}

const TOKEN =
  /^(?:[^\\"\n]|\\([abfnrtv\\"])|\\x([0-9a-fA-F]{2})|\\([0-3][0-7]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8}))/u
const UNSHORT = new Map([...SHORT].map(([rune, short]) => [short, rune]))

function tokenBytes([text, short, hex, octal, rune, wideRune]: RegExpExecArray): Uint8Array | undefined {
  if (short !== undefined) return utf8(UNSHORT.get(text) ?? '')
  if (hex !== undefined) return Uint8Array.of(Number.parseInt(hex, 16))
  if (octal !== undefined) return Uint8Array.of(Number.parseInt(octal, 8))
  const digits = rune ?? wideRune
  if (digits === undefined) return nameBytes(text)
  const code = Number.parseInt(digits, 16)
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? undefined : utf8(String.fromCodePoint(code))
}
