import type { Nights } from './facts.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from './thresholds.ts'

/** How a phone was found at one moment; `none`: it was looked for and did not answer. */
export interface NightSample {
  readonly atMs: number
  readonly reach: 'usb' | 'wifi' | 'none'
  readonly isOnPower?: boolean
  readonly isLocked?: boolean
}

export interface NightOptions {
  /** Of the phone, such as `Europe/Berlin`. */
  readonly timeZone: string
  readonly nowMs: number
  /** A phone without one never says that it is locked. */
  readonly hasPasscode: boolean
}

/** A night is from 22:00 to 7:00, where the phone is. */
const BEGINS_HOUR = 22
const HOURS = 9
const LOOK_BACK_MS = 14 * DAY_MS
/** How long a look counts when none follows. */
const HOLDS_MS = 20 * MINUTE_MS
/** Less than that is not a watched night. */
const WATCHED_MS = 2 * HOUR_MS
/** A backup needs the conditions for some time. */
const ENOUGH_MS = 30 * MINUTE_MS

interface Night {
  readonly samples: readonly NightSample[]
}

/**
 * How the last nights were. Nights that were not watched are left out, and so are those on our own cable, which say nothing
 * about the charger by the bed; what a phone that did not answer was doing nobody knows. Undefined where the time zone is none. Source: docs/protocol/doctor.md#nights
 */
export function nightsOf(samples: readonly NightSample[], options: NightOptions): Nights | undefined {
  const nights = splitNights(samples, options)?.filter(isWatched)
  if (nights === undefined) return undefined
  const isLocked = (sample: NightSample) => !options.hasPasscode || sample.isLocked === true
  const isOnPower = (sample: NightSample) => sample.isOnPower === true
  const isOnWifi = (sample: NightSample) => sample.reach === 'wifi'
  const reached = nights.filter((night) => spentMs(night, isOnWifi) >= ENOUGH_MS)
  const reachedWith = (holds: (sample: NightSample) => boolean) =>
    reached.filter((night) => spentMs(night, (sample) => isOnWifi(sample) && holds(sample)) >= ENOUGH_MS).length
  return {
    watched: nights.length,
    inCondition: reachedWith((sample) => isOnPower(sample) && isLocked(sample)),
    withoutPower: reached.length - reachedWith(isOnPower),
    withoutLock: reached.length - reachedWith(isLocked),
    withoutWifi: nights.length - reached.length,
  }
}

function splitNights(samples: readonly NightSample[], { timeZone, nowMs }: NightOptions): readonly Night[] | undefined {
  const clock = localClock(timeZone)
  if (clock === undefined) return undefined
  const recent = samples.filter((one) => one.atMs <= nowMs && nowMs - one.atMs < LOOK_BACK_MS && isTelling(one))
  const sorted = recent.toSorted((one, other) => one.atMs - other.atMs)
  const byNight = Map.groupBy(sorted, ({ atMs }) => nightOf(atMs, clock))
  byNight.delete(undefined)
  return [...byNight.values()].map((found) => ({ samples: found }))
}

/** A phone that answered, but did not say how it is, is no sign of anything. */
function isTelling({ reach, isOnPower, isLocked }: NightSample): boolean {
  return reach === 'none' || (isOnPower !== undefined && isLocked !== undefined)
}

/** The day that a night ends on; undefined by day. Two hours later it is midnight when the night begins. */
function nightOf(atMs: number, clock: Intl.DateTimeFormat): string | undefined {
  const parts = clock.formatToParts(atMs + (24 - BEGINS_HOUR) * HOUR_MS)
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? ''
  return Number(part('hour')) < HOURS ? `${part('year')}-${part('month')}-${part('day')}` : undefined
}

function localClock(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' } as const
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...fields })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Long enough, and not on our own cable. */
function isWatched(night: Night): boolean {
  return (
    spentMs(night, ({ reach }) => reach !== 'usb') >= WATCHED_MS && night.samples.every(({ reach }) => reach !== 'usb')
  )
}

/** How long something held, by the looks of a night. */
function spentMs({ samples }: Night, holds: (sample: NightSample) => boolean): number {
  return samples.reduce((sum, sample, at) => {
    const nextMs = samples[at + 1]?.atMs ?? sample.atMs + HOLDS_MS
    return holds(sample) ? sum + Math.min(nextMs - sample.atMs, HOLDS_MS) : sum
  }, 0)
}
