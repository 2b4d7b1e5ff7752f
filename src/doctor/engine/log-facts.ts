import type { CloudError, Readings } from './facts.ts'
import type { LogEvent } from './log-lines.ts'
import type { Reading } from './reading.ts'

const NEWS = ['backed-up', 'switched-on', 'switched-off'] as const

/** What is read of the phone's backups to iCloud while it is watched. */
export interface BackupNews {
  readonly kind: (typeof NEWS)[number]
}

/** Whether it calls for another look. */
export function isBackupNews({ kind }: Logged['event']): boolean {
  return NEWS.some((news) => news === kind)
}

/** Something that the phone's log told, or that was read meanwhile, and when. */
export interface Logged {
  readonly event: LogEvent | BackupNews
  readonly atMs: number
}

/**
 * What was known, with what the log told since: the newest of each sort counts, errors are added to those known. That a backup
 * was completed is not taken from the log: the phone's own date of the last one says so.
 */
export function withLog(readings: Readings, logged: readonly Logged[]): Readings {
  const oldestFirst = logged.toSorted((one, other) => one.atMs - other.atMs)
  const found: { -readonly [Name in keyof Readings]: Readings[Name] } = { ...readings }
  for (const { event, atMs } of oldestFirst) Object.assign(found, factsOf(found, event, atMs))
  return found
}

function factsOf(known: Readings, event: Logged['event'], atMs: number): Readings {
  switch (event.kind) {
    case 'condition':
      return {
        condition: fromLog(event.condition, atMs),
        ...(event.isRestoring && { isRestoring: fromLog(true, atMs) }),
      }
    case 'failed':
      return event.error === undefined ? {} : withError(known, { ...event.error, atMs })
    case 'forbidden':
      return withError(known, { domain: 'MBErrorDomain', code: 22, atMs })
    case 'next-backup':
      return { cloudNextMs: fromLog(event.atMs, atMs) }
    default:
      return {}
  }
}

function withError({ cloudErrors }: Readings, error: CloudError): Readings {
  const errors = cloudErrors?.kind === 'known' ? cloudErrors.value : []
  return { cloudErrors: fromLog([error, ...errors], error.atMs) }
}

function fromLog<Value>(value: Value, atMs: number): Reading<Value> {
  return { kind: 'known', value, source: 'phone-log', atMs }
}
