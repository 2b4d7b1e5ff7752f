import type { FactName, Facts, FactValues, Readings } from '../facts.ts'
import type { UnreadReason } from '../reading.ts'
import { DAY_MS, HOUR_MS } from '../thresholds.ts'

export const NOW = Date.parse('2026-11-22T08:00:00Z')
export const ago = (days: number) => NOW - days * DAY_MS

/** A value, no value, or why none could be read. */
export type Telling<Value> = Value | 'absent' | { readonly unread: UnreadReason }

export type Tellings = { readonly [Name in FactName]?: Telling<FactValues[Name]> }

export function madeFacts(tellings: Tellings, nowMs = NOW): Facts {
  const readings = Object.entries(tellings).map(([name, telling]) => [name, readingOf(telling, nowMs)] as const)
  return { nowMs, readings: Object.fromEntries(readings) as Readings }
}

function readingOf(telling: unknown, atMs: number) {
  const from = { source: 'lockdown', atMs } as const
  if (telling === 'absent') return { kind: 'absent', ...from }
  if (typeof telling === 'object' && telling !== null && 'unread' in telling) {
    return { kind: 'unread', why: telling.unread }
  }
  return { kind: 'known', value: telling, ...from }
}

/** A phone at home on its own charger, read over Wi-Fi, that backs up to iCloud; no repository is set up. */
export const WELL = {
  deviceClass: 'iPhone',
  model: 'iPhone15,4',
  ios: '27.1',
  build: '24B91',
  language: 'en-US',
  timeZone: 'Europe/Berlin',
  reach: 'wifi',
  obstacle: 'absent',
  isLocked: true,
  hasPasscode: true,
  upSinceMs: NOW - 5 * DAY_MS,
  clockAheadMs: 300,
  ownClockAheadMs: -200,
  phoneRoom: { freeBytes: 40e9, totalBytes: 128e9 },
  management: { isSupervised: false, profiles: 0 },
  setup: 'done',
  cloudSwitch: true,
  cloudLastMs: NOW - 7 * HOUR_MS,
  isSignedIn: true,
  power: { percent: 72, isConnected: true, isCharging: true, canCharge: true, isFull: false },
  isOnWifi: true,
  link: { medianMs: 12, slowMs: 60, lostShare: 0 },
  services: { backup: { light: 'ok' }, account: { light: 'ok' }, storage: { light: 'ok' } },
  newestIos: { version: '27.1', isLastForModel: false },
  wifiConnections: true,
  isEncrypted: true,
} as const satisfies Tellings

/** The same three weeks after its last backup, with nothing to see that is wrong. */
export const STALE = { ...WELL, cloudLastMs: ago(23) } as const satisfies Tellings

/** What a person says who has nothing to complain of. */
export const CONTENT = {
  cloudRoom: { usedBytes: 20e9, totalBytes: 50e9 },
  message: 'none',
  chargesAtNight: true,
  wifiAtNight: true,
  locksAtNight: true,
  accountWantsAttention: false,
  hasLowDataMode: false,
  hasLowPowerMode: false,
  hasVpn: false,
  hasScreenTimeLock: false,
  hasAdvancedDataProtection: false,
} as const satisfies Tellings

/** A repository with a backup of last night. */
export const KEPT_HERE = {
  ownLastMs: NOW - 9 * HOUR_MS,
  ownFailure: 'absent',
  repositoryObstacle: 'absent',
  ownRoom: { freeBytes: 400e9 },
  knowsPassword: true,
} as const satisfies Tellings

/** An error of an iCloud backup, so many days ago. */
export const error = (code: number, days = 1, domain = 'MBErrorDomain') => ({ domain, code, atMs: ago(days) })
/** A week of good nights but for these. */
export const nights = (
  bad: Partial<Record<'inCondition' | 'withoutPower' | 'withoutLock' | 'withoutWifi', number>>,
) => ({
  nights: { watched: 7, inCondition: 5, withoutPower: 0, withoutLock: 0, withoutWifi: 0, ...bad },
})
/** What the log says of the conditions, all well but for these. */
export const condition = (zeros: Partial<Record<'enabled' | 'locked' | 'onPower' | 'onWifi', false>>) => ({
  condition: {
    holds: false,
    enabled: true,
    locked: true,
    onPower: true,
    onWifi: true,
    onCellular: false,
    ...zeros,
  },
})
