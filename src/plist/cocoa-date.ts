import assert from 'node:assert/strict'

/** 2001-01-01 UTC, from which Apple counts seconds; milliseconds since 1970. */
const COCOA_EPOCH_MS = 978_307_200_000

/** Undefined for what is no number or beyond the 270,000 years that a `Date` holds. */
export function dateFromCocoa(seconds: number): Date | undefined {
  const date = new Date(COCOA_EPOCH_MS + Math.round(seconds * 1000))
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Seconds since 2001-01-01 UTC. */
export function cocoaSecondsOf(date: Date): number {
  const ms = date.getTime()
  assert(!Number.isNaN(ms), 'A date to be written is none')
  return (ms - COCOA_EPOCH_MS) / 1000
}
