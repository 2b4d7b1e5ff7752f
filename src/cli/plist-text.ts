import { type Plist, PlistReal, PlistUid } from '../plist/index.ts'
import { plainText } from './words.ts'

/** A value as JSON can say it: dates as ISO texts, data as base64, whole numbers beyond 2^53 as texts of digits. */
export function plistToJson(value: Plist): unknown {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return value.toBase64()
  if (value instanceof PlistReal || value instanceof PlistUid) return value.value
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(plistToJson)
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plistToJson(item)]))
}

/** A value for reading, as ideviceinfo prints it: `Key: value`, what is inside of something set in by one space. */
export function plistLines(value: Plist): readonly string[] {
  if (typeof value !== 'object' || isScalar(value)) return [scalarText(value)]
  const entries = Array.isArray(value) ? value.map((item, index) => [String(index), item] as const) : sorted(value)
  return entries.flatMap(([key, item]: readonly [string, Plist]) =>
    isScalar(item) ? [`${key}: ${scalarText(item)}`] : [`${key}:`, ...plistLines(item).map((line) => ` ${line}`)],
  )
}

function sorted(dict: object): readonly (readonly [string, Plist])[] {
  return Object.entries(dict).sort(([left], [right]) => (left < right ? -1 : 1))
}

function isScalar(value: Plist): boolean {
  const isObject = typeof value === 'object'
  return !isObject || [Date, Uint8Array, PlistReal, PlistUid].some((kind) => value instanceof kind)
}

function scalarText(value: Plist): string {
  return plainText(String(plistToJson(value)))
}
