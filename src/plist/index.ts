export type { Plist, PlistDict } from './value.ts'
export { arrayOf, boolOf, bytesOf, dateOf, dictOf, numberOf, PlistReal, PlistUid, textOf } from './value.ts'
