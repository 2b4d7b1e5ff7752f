export { encodeBinaryPlist } from './binary-writer.ts'
export type { PlistErrorCode } from './errors.ts'
export { decodeKeyedArchive } from './keyed-archive.ts'
export { DEFAULT_LIMITS, type PlistLimits } from './limits.ts'
export { parsePlist } from './parse.ts'
export type { Plist, PlistDict } from './value.ts'
export {
  arrayOf,
  boolOf,
  bytesOf,
  dateOf,
  dictOf,
  numberOf,
  PlistReal,
  PlistUid,
  signedOf,
  textOf,
  uidOf,
} from './value.ts'
export { encodeXmlPlist } from './xml-writer.ts'
