import { BINARY_MAGIC, readBinaryPlist } from './binary-reader.ts'
import { malformed, tooBig } from './errors.ts'
import { limitsWith, type PlistLimits } from './limits.ts'
import type { Plist } from './value.ts'
import { readXmlPlist } from './xml-reader.ts'
import { byteOrderMarkSize, isSpace } from './xml-scanner.ts'

/**
 * Reads a property list, binary or XML, whoever wrote it. The result shares no memory with the bytes. Throws
 * `plist.malformed` for everything that is neither or damaged, and `plist.too-big` for what costs more than the limits
 * allow; nothing else.
 */
export function parsePlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): Plist {
  const all = limitsWith(limits)
  if (bytes.length > all.inputBytesMax) {
    throw tooBig(`A property list of ${bytes.length} bytes; ${all.inputBytesMax} are allowed`)
  }
  if (startsWith(bytes, BINARY_MAGIC)) return readBinaryPlist(bytes, all)
  if (startsLikeXml(bytes)) return readXmlPlist(bytes, all)
  const start = Buffer.from(bytes.subarray(0, 8)).toString('hex')
  throw malformed(`Not a property list: ${bytes.length} bytes that start with ${start || 'nothing'}`)
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  for (let index = 0; index < magic.length; index++) if (bytes[index] !== magic.charCodeAt(index)) return false
  return true
}

/** A `<`, perhaps after a byte order mark and white space. */
function startsLikeXml(bytes: Uint8Array): boolean {
  let at = byteOrderMarkSize(bytes)
  while (isSpace(bytes[at])) at++
  return bytes[at] === 0x3c
}
