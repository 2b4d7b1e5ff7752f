import type { Command } from 'commander'
import {
  type CalendarDuration,
  GROUPINGS,
  type Grouping,
  type KeepPolicy,
  PERIODS,
  parseCalendarDuration,
} from '../repository/index.ts'
import { badUsage } from './errors.ts'
import { collect, parseTags } from './snapshot-choice.ts'

/** restic's rules for what a `forget` keeps. */
export interface KeepOptions {
  readonly keepLast?: string
  readonly keepHourly?: string
  readonly keepDaily?: string
  readonly keepWeekly?: string
  readonly keepMonthly?: string
  readonly keepYearly?: string
  readonly keepWithin?: string
  readonly keepWithinHourly?: string
  readonly keepWithinDaily?: string
  readonly keepWithinWeekly?: string
  readonly keepWithinMonthly?: string
  readonly keepWithinYearly?: string
  readonly keepTag?: readonly string[]
}

const NUMBER = 'a number, or "unlimited"'
const DURATION = 'such as 1y5m7d2h, back from the newest snapshot'

export function withKeepOptions(command: Command): Command {
  command.option('-l, --keep-last <n>', `the newest ones: ${NUMBER}`)
  const letters = { hourly: '-H', daily: '-d', weekly: '-w', monthly: '-m', yearly: '-y' }
  const spans = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' }
  for (const period of PERIODS) {
    command.option(
      `${letters[period]}, --keep-${period} <n>`,
      `the newest of each ${spans[period]}, for so many of them`,
    )
  }
  command.option('--keep-within <duration>', `all of a time ${DURATION}`)
  for (const period of PERIODS) {
    command.option(`--keep-within-${period} <duration>`, `the newest of each ${spans[period]} of a time ${DURATION}`)
  }
  return command.option('--keep-tag <tags>', 'those with all these tags; may be given several times', collect)
}

export function policyOf(options: KeepOptions): KeepPolicy {
  const withins = {
    hourly: durationOf(options.keepWithinHourly),
    daily: durationOf(options.keepWithinDaily),
    weekly: durationOf(options.keepWithinWeekly),
    monthly: durationOf(options.keepWithinMonthly),
    yearly: durationOf(options.keepWithinYearly),
  }
  return {
    last: countOf(options.keepLast),
    counts: {
      hourly: countOf(options.keepHourly),
      daily: countOf(options.keepDaily),
      weekly: countOf(options.keepWeekly),
      monthly: countOf(options.keepMonthly),
      yearly: countOf(options.keepYearly),
    },
    within: durationOf(options.keepWithin),
    withins,
    tags: (options.keepTag ?? []).map(parseTags),
  }
}

function countOf(text: string | undefined): number {
  if (text === undefined) return 0
  if (text === 'unlimited' || text === '-1') return Number.POSITIVE_INFINITY
  if (!/^\d{1,9}$/.test(text)) throw badUsage(`"${text}" is not a number of snapshots`, `Give ${NUMBER}`)
  return Number(text)
}

function durationOf(text: string | undefined): CalendarDuration | undefined {
  if (text === undefined) return undefined
  const duration = parseCalendarDuration(text)
  if (duration === undefined)
    throw badUsage(`"${text}" is not a duration`, 'Write it like 1y5m7d2h: years, months, days, hours')
  return duration
}

/** `host,paths`, in any order and number; nothing puts all snapshots together. */
export function parseGroupBy(text: string): readonly Grouping[] {
  const names = text.split(',').filter((name) => name !== '')
  const groupings = GROUPINGS.filter((grouping) => names.some((name) => name === grouping || `${name}s` === grouping))
  if (groupings.length !== names.length) {
    throw badUsage(`"${text}" is nothing to group by`, `Give some of ${GROUPINGS.join(', ')}, separated by commas`)
  }
  return groupings
}
