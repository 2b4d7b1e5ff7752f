import { concatBytes } from '../../base/bytes.ts'

/** A small writer of DER, as far as X.509 certificates need it (ITU-T X.690). */

/** Tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(content)
  return concatBytes([Uint8Array.of(tag, ...lengthOf(body.length)), body])
}

export const sequence = (...content: readonly Uint8Array[]) => der(0x30, ...content)
export const octetString = (content: Uint8Array) => der(0x04, content)
export const explicit = (tag: number, content: Uint8Array) => der(0xa0 | tag, content)
export const TRUE = der(0x01, Uint8Array.of(0xff))
export const NULL = der(0x05)

/** A whole number, 0 to 127. */
export function smallInteger(value: number): Uint8Array {
  return der(0x02, Uint8Array.of(value))
}

/** `unusedBits` of the last byte do not count. */
export function bitString(content: Uint8Array, unusedBits = 0): Uint8Array {
  return der(0x03, Uint8Array.of(unusedBits), content)
}

/** An object identifier from its dotted form. */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on, as RFC 5280 wants; whole seconds. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '')
  const isShort = digits.startsWith('19') || (digits.startsWith('20') && digits < '2050')
  return isShort ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size]
  const bytes: number[] = []
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80)
  return bytes
}
