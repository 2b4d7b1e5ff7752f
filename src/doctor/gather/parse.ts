import { boolOf, dateOf, numberOf, type Plist, type PlistDict } from '../../plist/index.ts'
import type { FactSource, Reading } from '../engine.ts'
import type { Looked } from './look.ts'

/** What makes one fact of a value of the phone; undefined for a value that means nothing. */
export type Parse<Value> = (value: Plist) => Value | undefined

/** One value of a dictionary as a fact: absent where there is none, odd with a note where it is of a kind that means nothing. */
export function factOf<Value>(
  looked: Looked<PlistDict>,
  { key, parse, source }: { readonly key: string; readonly parse: Parse<Value>; readonly source: FactSource },
): Reading<Value> {
  if (looked.kind === 'unread') return looked
  const value = looked.value[key]
  if (value === undefined) return { kind: 'absent', source, atMs: looked.atMs }
  const parsed = parse(value)
  if (parsed === undefined) return { kind: 'unread', why: 'odd', note: `${key} is ${kindOf(value)}` }
  return { kind: 'known', value: parsed, source, atMs: looked.atMs }
}

/** The same fact with another value; what is absent or unread stays so. */
export function mapReading<From, To>(reading: Reading<From>, map: (value: From) => To): Reading<To> {
  return reading.kind === 'known' ? { ...reading, value: map(reading.value) } : reading
}

/** Of a fact that phones leave out where it is not so. */
export function elseFalse(reading: Reading<boolean>): Reading<boolean> {
  return reading.kind === 'absent' ? { ...reading, kind: 'known', value: false } : reading
}

/** Some phones write a truth value as 0 or 1. */
export function parseTruth(value: Plist): boolean | undefined {
  if (value === 0 || value === 1) return value === 1
  return boolOf(value)
}

/** A count or size that can be one. */
export function parseAmount(value: Plist): number | undefined {
  const number = numberOf(value)
  return number !== undefined && Number.isFinite(number) && number >= 0 ? number : undefined
}

/** Seconds from 1970 to 2001, where Apple starts to count. */
const APPLE_EPOCH_S = 978_307_200
/** Ten years, as backupd has it. */
const TOO_OLD_MS = 315_360_000_000
/** The largest time that a `Date` can be. */
const TIME_MS_MAX = 8.64e15

/**
 * The time of a backup, milliseconds since 1970. Phones count from 2001, and some old ones from 1970: what would then be more
 * than ten years ago is taken for the former, as the phone itself does. Source: docs/protocol/doctor.md#backup-dates
 */
export function parseBackupDate(value: Plist, nowMs: number): number | undefined {
  const date = dateOf(value)?.getTime()
  if (date !== undefined) return Number.isNaN(date) ? undefined : date
  const seconds = numberOf(value)
  if (seconds === undefined || !(seconds > 0)) return undefined
  const unixMs = seconds * 1000
  const ms = nowMs - unixMs > TOO_OLD_MS ? unixMs + APPLE_EPOCH_S * 1000 : unixMs
  return ms <= TIME_MS_MAX ? ms : undefined
}

/** The kind of a value, for a note. */
export function kindOf(value: Plist): string {
  if (typeof value === 'string') return 'a text'
  if (typeof value === 'boolean') return 'a truth value'
  if (numberOf(value) !== undefined) return 'a number out of range'
  if (value instanceof Date) return 'a date'
  if (value instanceof Uint8Array) return 'data'
  return Array.isArray(value) ? 'a list' : 'a dictionary'
}
