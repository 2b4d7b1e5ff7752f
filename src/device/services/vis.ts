const BACKSLASH = 0x5c
const CARET = 0x5e
const DASH = 0x2d
const META = 0x4d
const HIGH_BIT = 0x80

/**
 * Undoes vis(3) of BSD, as syslog_relay writes what is not plain ASCII: `\M-x`, `\M^X`, `\^X`, `\ooo` and `\\`. What looks like
 * an escape and is none stays as it is. Source: docs/protocol/small-services.md#syslog-relay
 */
export function decodeVis(bytes: Uint8Array): Uint8Array {
  const plain = new Uint8Array(bytes.length)
  let size = 0
  for (let at = 0; at < bytes.length; ) {
    const escaped = bytes[at] === BACKSLASH ? escapeAt(bytes, at + 1) : undefined
    plain[size++] = escaped?.byte ?? bytes[at]!
    at += 1 + (escaped?.size ?? 0)
  }
  return plain.subarray(0, size)
}

interface Escape {
  readonly byte: number
  /** How many bytes follow the backslash. */
  readonly size: number
}

function escapeAt(bytes: Uint8Array, at: number): Escape | undefined {
  const [first, second, third] = bytes.subarray(at, at + 3)
  if (first === BACKSLASH) return { byte: BACKSLASH, size: 1 }
  if (first === CARET && second !== undefined) return { byte: second ^ 0x40, size: 2 }
  if (first === META && third !== undefined) {
    if (second === DASH) return { byte: third | HIGH_BIT, size: 3 }
    if (second === CARET) return { byte: (third ^ 0x40) | HIGH_BIT, size: 3 }
  }
  const octal = [first, second, third].map(octalDigit)
  if (!octal.every((digit) => digit !== undefined)) return undefined
  return { byte: octal.reduce((value, digit) => value * 8 + digit, 0) & 0xff, size: 3 }
}

function octalDigit(byte: number | undefined): number | undefined {
  return byte !== undefined && byte >= 0x30 && byte <= 0x37 ? byte - 0x30 : undefined
}
