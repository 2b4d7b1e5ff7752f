import { parseGoTime, subtractAsGo } from './go-calendar.ts'
import type { Snapshot } from './snapshot.ts'

/** A stretch of time as people say it: `1y5m7d2h`. */
export interface CalendarDuration {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
}

/** The stretches of time of which the newest snapshots are kept. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type Period = (typeof PERIODS)[number]

/**
 * What restic's rules of the same names keep. A number counts the hours, days, … that have a snapshot, of each its newest; a
 * duration ends with the newest snapshot. What any rule keeps is kept.
 */
export interface KeepPolicy {
  /** 0 keeps none by this rule, Infinity all. */
  readonly last: number
  readonly counts: Readonly<Record<Period, number>>
  readonly within: CalendarDuration | undefined
  readonly withins: Readonly<Partial<Record<Period, CalendarDuration | undefined>>>
  /** Snapshots that have all tags of any of these lists; an empty tag stands for having none. */
  readonly tags: readonly (readonly string[])[]
}

/** Keeps nothing by any rule. */
export const KEEP_NOTHING: KeepPolicy = {
  last: 0,
  counts: { hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  within: undefined,
  withins: {},
  tags: [],
}

/** True when no rule is in force: then nothing was asked for, and nothing may be removed. */
export function isEmptyPolicy({ last, counts, within, withins, tags }: KeepPolicy): boolean {
  const numbers = [last, ...Object.values(counts)]
  return numbers.every((count) => count === 0) && tags.length === 0 && [within, ...Object.values(withins)].every(isNone)
}

function isNone(duration: CalendarDuration | undefined): boolean {
  return duration === undefined || Object.values(duration).every((count) => count === 0)
}

const UNITS = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const

/** Reads `1y5m7d2h`; undefined for anything else. */
export function parseCalendarDuration(text: string): CalendarDuration | undefined {
  if (!/^(\d{1,5}[ymdh])+$/.test(text)) return undefined
  const duration = { years: 0, months: 0, days: 0, hours: 0 }
  for (const [, count, unit] of text.matchAll(/(\d+)([ymdh])/g)) {
    duration[UNITS[unit as keyof typeof UNITS]] = Number(count)
  }
  return duration
}

/** `1y5m7d2h`, without what is zero. */
export function formatCalendarDuration({ years, months, days, hours }: CalendarDuration): string {
  const parts = [`${years}y`, `${months}m`, `${days}d`, `${hours}h`]
  return parts.filter((part) => !/^0[a-z]$/.test(part)).join('')
}

/** How many more snapshots each rule with a number would keep. */
export type KeepCounters = Readonly<Record<'last' | Period, number>>

/** What becomes of a snapshot. */
export interface KeepDecision {
  readonly snapshot: Snapshot
  /** In restic's words; without any, the snapshot goes. */
  readonly reasons: readonly string[]
  /** After this one. */
  readonly counters: KeepCounters
}

/** Where and when the rules are applied. */
export interface KeepOptions {
  /** Snapshots of the future are no end for durations. */
  readonly nowMs: number
  /** The local one, such as `Europe/Berlin`: times with its offset follow its summer time. */
  readonly timeZone: string
}

/**
 * Decides about the snapshots of one group, newest first, as restic does.
 * Source: docs/protocol/restic-repository.md#forget.
 */
export function applyPolicy(
  snapshots: readonly Snapshot[],
  policy: KeepPolicy,
  { nowMs, timeZone }: KeepOptions,
): readonly KeepDecision[] {
  const dated = snapshots.map((snapshot) => ({ snapshot, at: parseGoTime(snapshot.time, timeZone) })).sort(byNewest)
  const newest = dated.find(({ at }) => at.epochMilliseconds < nowMs)?.at
  const counted = countRules(policy)
  const rules = [...tagRules(policy), ...withinRules(policy, newest), ...counted, ...periodRules(policy, newest)]
  return dated.map((candidate, position) => {
    const reasons = rules.map((rule) => rule.keeps(candidate, position)).filter((reason) => reason !== undefined)
    return { snapshot: candidate.snapshot, reasons, counters: countersOf(counted) }
  })
}

/** A snapshot, and its time in a calendar of its own. */
interface Candidate {
  readonly snapshot: Snapshot
  readonly at: Temporal.ZonedDateTime
}

function byNewest(left: Candidate, right: Candidate): number {
  return Temporal.ZonedDateTime.compare(right.at, left.at)
}

/** One rule in the course of going through the snapshots, newest first. */
interface Rule {
  /** Why the snapshot is kept by this rule; undefined if it is not. */
  keeps(candidate: Candidate, position: number): string | undefined
}

interface CountRule extends Rule {
  readonly name: keyof KeepCounters
  readonly left: number
}

function tagRules({ tags }: KeepPolicy): readonly Rule[] {
  return tags.map((list) => ({
    keeps: ({ snapshot }) => (hasTags(snapshot, list) ? `has tags [${list.join(', ')}]` : undefined),
  }))
}

/** True if the snapshot has all of these tags; an empty one stands for having none at all. */
export function hasTags({ tags = [] }: Pick<Snapshot, 'tags'>, wanted: readonly string[]): boolean {
  return wanted.every((tag) => tags.includes(tag) || (tag === '' && tags.length === 0))
}

function withinRules({ within }: KeepPolicy, newest: Temporal.ZonedDateTime | undefined): readonly Rule[] {
  if (within === undefined || isNone(within)) return []
  const isWithin = withinOf(within, newest)
  return [{ keeps: ({ at }) => (isWithin(at) ? `within ${formatCalendarDuration(within)}` : undefined) }]
}

function withinOf(duration: CalendarDuration, newest: Temporal.ZonedDateTime | undefined) {
  const start = newest && subtractAsGo(newest, duration)
  return (at: Temporal.ZonedDateTime) => start === undefined || Temporal.Instant.compare(at.toInstant(), start) > 0
}

/** Names the hour, day, … that a time lies in. */
const BUCKETS: Readonly<Record<Period, (at: Temporal.ZonedDateTime) => string>> = {
  hourly: ({ year, month, day, hour }) => `${year}-${month}-${day} ${hour}`,
  daily: ({ year, month, day }) => `${year}-${month}-${day}`,
  weekly: ({ yearOfWeek, weekOfYear }) => `${yearOfWeek} ${weekOfYear}`,
  monthly: ({ year, month }) => `${year}-${month}`,
  yearly: ({ year }) => `${year}`,
}

function countRules({ last, counts }: KeepPolicy): readonly CountRule[] {
  const periods = PERIODS.map((period) => {
    return countRule({ name: period, count: counts[period], bucketOf: ({ at }) => BUCKETS[period](at) })
  })
  return [countRule({ name: 'last', count: last, bucketOf: (_candidate, position) => String(position) }), ...periods]
}

function countRule({
  name,
  count,
  bucketOf,
}: {
  name: keyof KeepCounters
  count: number
  bucketOf: (candidate: Candidate, position: number) => string
}): CountRule {
  let left = count
  let before: string | undefined
  return {
    name,
    get left() {
      return left
    },
    keeps: (candidate, position) => {
      const bucket = bucketOf(candidate, position)
      if (left === 0 || bucket === before) return undefined
      before = bucket
      left--
      return `${name} snapshot`
    },
  }
}

function periodRules({ withins }: KeepPolicy, newest: Temporal.ZonedDateTime | undefined): readonly Rule[] {
  return PERIODS.flatMap((period) => {
    const duration = withins[period]
    if (duration === undefined || isNone(duration)) return []
    const isWithin = withinOf(duration, newest)
    let before: string | undefined
    const keeps = ({ at }: Candidate) => {
      const bucket = BUCKETS[period](at)
      if (!isWithin(at) || bucket === before) return undefined
      before = bucket
      return `${period} within ${formatCalendarDuration(duration)}`
    }
    return [{ keeps }]
  })
}

function countersOf(rules: readonly CountRule[]): KeepCounters {
  const left = (wanted: keyof KeepCounters) => rules.find(({ name }) => name === wanted)?.left ?? 0
  return {
    last: left('last'),
    hourly: left('hourly'),
    daily: left('daily'),
    weekly: left('weekly'),
    monthly: left('monthly'),
    yearly: left('yearly'),
  }
}
