import type { CloudError, Condition } from './facts.ts'

/** What a line of the phone's backup process tells. Source: docs/protocol/doctor.md#log-lines */
export type LogEvent =
  /** What must hold for a backup, told whenever any of it changes; `heldS` is how long it did hold before. */
  | {
      readonly kind: 'condition'
      readonly condition: Condition
      readonly heldS: number | undefined
      readonly isRestoring: boolean
    }
  /** An attempt failed; without `error` where the phone masks it. */
  | { readonly kind: 'failed'; readonly error: Omit<CloudError, 'atMs'> | undefined }
  | { readonly kind: 'started' | 'completed' | 'forbidden' | 'not-enabled' | 'deferred' | 'warned' }
  | { readonly kind: 'next-backup'; readonly atMs: number }
  | { readonly kind: 'already-backed-up'; readonly agoS: number }
  | { readonly kind: 'failures'; readonly count: number }
  | { readonly kind: 'lost'; readonly what: 'power' | 'wifi' }

type Parse = (text: string) => LogEvent | undefined

/** The first whose words are in the line reads it. Between builds the order of words and values changes. */
const LINES: readonly { readonly words: RegExp; readonly parse: Parse }[] = [
  { words: /\[(?:On|Off) condition\b[^\]]*\] state changed/, parse: parseCondition },
  { words: /disabled by MDM|MBErrorDomain\/22\b/, parse: () => ({ kind: 'forbidden' }) },
  { words: /received backup failure notification/, parse: (text) => ({ kind: 'failed', error: errorIn(text) }) },
  { words: /received backup completion notification/, parse: () => ({ kind: 'completed' }) },
  { words: /Starting automatic backup/, parse: () => ({ kind: 'started' }) },
  { words: /Already backed up recently/, parse: parseAlready },
  { words: /next backup date|nextBackupDateOnWiFi/, parse: parseNext },
  { words: /Updating FailureCount/, parse: parseFailures },
  { words: /start request since the account .*isn.t enabled/, parse: () => ({ kind: 'not-enabled' }) },
  { words: /start request since .*needs to be deferred/, parse: () => ({ kind: 'deferred' }) },
  { words: /Warning the user an iCloud backup is overdue/, parse: () => ({ kind: 'warned' }) },
  { words: /device lost power/, parse: () => ({ kind: 'lost', what: 'power' }) },
  { words: /device lost WiFi/, parse: () => ({ kind: 'lost', what: 'wifi' }) },
]

const LINE_CHARS_MAX = 4096

/** What the text of one log entry says; undefined for one that says nothing we know. */
export function parseLogLine(line: string): LogEvent | undefined {
  const text = line.slice(0, LINE_CHARS_MAX)
  return LINES.find(({ words }) => words.test(text))?.parse(text)
}

/** The first error that a text names, as `Domain=MBErrorDomain Code=303` or `(MBErrorDomain/303)`. */
export function errorIn(text: string): Omit<CloudError, 'atMs'> | undefined {
  const [, long, short, code] = /(?:\bDomain=(\w{1,60}) Code=|\((\w{1,60})\/)(-?\d{1,9})/.exec(text) ?? []
  const domain = long ?? short
  return domain === undefined ? undefined : { domain, code: Number(code) }
}

function parseCondition(text: string): LogEvent | undefined {
  const values = new Map([...text.matchAll(/(\w+):(\d+)/g)].map(([, key = '', value]) => [key, value !== '0']))
  const [enabled, locked, onPower, onWifi] = ['enabled', 'locked', 'onPower', 'onWiFi'].map((key) => values.get(key))
  if (enabled === undefined || locked === undefined || onPower === undefined || onWifi === undefined) return undefined
  const onCellular = values.get('onCellular') ?? false
  const heldS = /condition after ([\d.]+)s\]/.exec(text)?.[1]
  return {
    kind: 'condition',
    condition: { holds: text.includes('[On condition'), enabled, locked, onPower, onWifi, onCellular },
    heldS: heldS === undefined ? undefined : Number(heldS),
    isRestoring: /managerStates:[^,]*restor/i.test(text),
  }
}

function parseAlready(text: string): LogEvent | undefined {
  const agoS = numberIn(/recently \((-?[\d.]+)s\)/, text)
  return agoS === undefined ? undefined : { kind: 'already-backed-up', agoS }
}

/** `nextBackupDateOnWiFi` may stand among other dates; otherwise the date is at the end. */
function parseNext(text: string): LogEvent | undefined {
  const after = text.split('nextBackupDateOnWiFi:')[1] ?? text.split('next backup date')[1] ?? ''
  const atMs = dateIn(after)
  return atMs === undefined ? undefined : { kind: 'next-backup', atMs }
}

/** `Updating FailureCount for account …: new(old)` */
function parseFailures(text: string): LogEvent | undefined {
  const count = numberIn(/: (\d{1,6})\(/, text)
  return count === undefined ? undefined : { kind: 'failures', count }
}

function numberIn(pattern: RegExp, text: string): number | undefined {
  const number = Number(pattern.exec(text)?.[1] ?? Number.NaN)
  return Number.isFinite(number) ? number : undefined
}

/** `2026-11-23 01:10:00 +0000`, as Foundation writes dates into texts; a date without its zone means nothing. */
function dateIn(text: string): number | undefined {
  const [, day, time, zone] = /(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)/.exec(text) ?? []
  const ms = Date.parse(`${day}T${time}${zone?.replace(/(\d\d):?(\d\d)$/, '$1:$2')}`)
  return Number.isNaN(ms) ? undefined : ms
}
