import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from './diagnose.ts'
import type { Trial } from './history.ts'
import {
  ago,
  CONTENT,
  condition,
  error,
  KEPT_HERE,
  madeFacts,
  NOW,
  nights,
  STALE,
  type Tellings,
  WELL,
} from './testing/made-facts.ts'
import { DAY_MS, HOUR_MS } from './thresholds.ts'

/** Verdict on iCloud, on our own, on the data; cause; next step, with `then` what it makes safe; question. */
type Situation = readonly [name: string, tellings: Tellings, expected: string, history?: readonly Trial[]]

function told(tellings: Tellings, history: readonly Trial[]): string {
  const { verdict, cause, nextStep, question } = diagnose(madeFacts(tellings), history)
  const step = nextStep === undefined ? '-' : [nextStep.remedy, nextStep.leadsTo].filter(Boolean).join(' then ')
  const asked = question === undefined ? '' : ` | ${question}?`
  return `${verdict.icloud} ${verdict.local} ${verdict.protected} | ${cause ?? '-'} | ${step}${asked}`
}

function claim(group: string, situations: readonly Situation[]): void {
  for (const [name, tellings, expected, history = []] of situations) {
    test(`${group}: ${name}`, () => assert.equal(told(tellings, history), expected))
  }
}

const KEPT = { ...WELL, ...KEPT_HERE }
const UNPLUGGED = { percent: 55, isConnected: false } as const
const FULL = { cloudRoom: { usedBytes: 4.99e9, totalBytes: 5e9 } } as const
const OUTAGE = (days: number) =>
  ({
    services: { backup: { light: 'outage', sinceMs: ago(days) }, account: { light: 'ok' }, storage: { light: 'ok' } },
  }) as const
const school = { isSupervised: true, organization: 'A school', profiles: 2 }
const trial = (remedy: Trial['remedy'], cause: Trial['cause'], days: number, result?: Trial['result']): Trial => ({
  remedy,
  cause,
  atMs: ago(days),
  ...(result && { result }),
})

claim('healthy', [
  [
    'iOS 12 on an old phone',
    { ...WELL, model: 'iPhone7,2', ios: '12.5.8', build: '16H88', newestIos: 'absent', upSinceMs: 'absent' },
    'healthy unknown protected | - | -',
  ],
  [
    'iOS 15, the last for its model, up for months',
    {
      ...WELL,
      model: 'iPhone8,1',
      ios: '15.8.8',
      build: '19H422',
      newestIos: { version: '15.8.8', isLastForModel: true },
      upSinceMs: ago(200),
    },
    'healthy unknown protected | - | -',
  ],
  [
    'iOS 16 by cable, which also charges it',
    {
      ...WELL,
      model: 'iPhone10,4',
      ios: '16.7.16',
      build: '20H380',
      newestIos: { version: '16.7.16', isLastForModel: true },
      reach: 'usb',
      isOnWifi: { unread: 'not-asked' },
      link: { unread: 'not-asked' },
    },
    'healthy unknown protected | - | -',
  ],
  [
    'iOS 18 unplugged, with a newer one there',
    {
      ...WELL,
      model: 'iPhone11,8',
      ios: '18.6',
      build: '22G86',
      newestIos: { version: '18.7.10', isLastForModel: true },
      power: UNPLUGGED,
    },
    'healthy unknown protected | - | -',
  ],
  [
    'iOS 26 managed by a school',
    { ...WELL, ios: '26.6.1', build: '23G83', management: school },
    'healthy unknown protected | - | -',
  ],
  ['iOS 27', WELL, 'healthy unknown protected | - | -'],
  [
    'iOS 27 beta, saving power',
    { ...WELL, build: '24C5054h', hasLowPowerMode: true },
    'healthy unknown protected | - | -',
  ],
  ['with a nearly full plan, which is a warning', { ...WELL, ...FULL }, 'healthy unknown protected | - | -'],
  ['with an outage that began today', { ...WELL, ...OUTAGE(0.2) }, 'healthy unknown protected | - | -'],
  [
    'offline',
    {
      ...WELL,
      services: { unread: 'offline' },
      newestIos: { unread: 'offline' },
      ownClockAheadMs: { unread: 'offline' },
    },
    'healthy unknown protected | - | -',
  ],
  [
    'with errors from before its last backup',
    { ...WELL, cloudErrors: [error(303, 3), error(308, 2)] },
    'healthy unknown protected | - | -',
  ],
  ['35 hours after its last backup', { ...WELL, cloudLastMs: NOW - 35 * HOUR_MS }, 'healthy unknown protected | - | -'],
  ['with backups here too', KEPT, 'healthy healthy protected | - | -'],
  [
    'with backups here by cable, six days old',
    { ...KEPT, reach: 'usb', wifiConnections: false, ownLastMs: ago(6) },
    'healthy healthy protected | - | -',
  ],
])

claim('behind without a sign', [
  ['four days', { ...WELL, cloudLastMs: ago(4) }, 'late unknown at-risk | - | back-up-now | storage-room?'],
  ['ten days', { ...WELL, cloudLastMs: ago(10) }, 'problem unknown at-risk | - | back-up-now | storage-room?'],
  ['three weeks: storage is asked for, no restart', STALE, 'problem unknown at-risk | - | back-up-now | storage-room?'],
  [
    'three weeks, with backups here',
    { ...KEPT, ...STALE, ...KEPT_HERE },
    'problem healthy protected | - | back-up-now | storage-room?',
  ],
  [
    'never, and on for months: storage first',
    { ...WELL, cloudLastMs: 'absent', cloudSwitchedOnMs: ago(90) },
    'problem unknown unprotected | - | back-up-now | storage-room?',
  ],
  [
    'never, and on since this morning',
    { ...WELL, cloudLastMs: 'absent', cloudSwitchedOnMs: NOW - 5 * HOUR_MS },
    'waiting unknown unprotected | - | wait-a-night',
  ],
  [
    'on again since this morning',
    { ...STALE, cloudSwitchedOnMs: NOW - 5 * HOUR_MS },
    'waiting unknown at-risk | - | wait-a-night',
  ],
  [
    'older than what was restored',
    { ...WELL, cloudLastMs: ago(40), restoredMs: ago(30) },
    'problem unknown at-risk | - | back-up-now | storage-room?',
  ],
  [
    'restored this morning',
    { ...WELL, cloudLastMs: ago(1), restoredMs: NOW - HOUR_MS },
    'waiting unknown at-risk | - | wait-a-night',
  ],
  ['everything asked, nothing found', { ...STALE, ...CONTENT }, 'problem unknown at-risk | - | back-up-now'],
])

claim('one of the nine', [
  ['switch', { ...STALE, cloudSwitch: false }, 'off unknown at-risk | switch-off | enable-cloud-backup'],
  [
    'switch, never set up',
    { ...WELL, cloudSwitch: 'absent', cloudLastMs: 'absent' },
    'off unknown unprotected | never-set-up | enable-cloud-backup',
  ],
  [
    'switch, off for so long that the copy is gone',
    { ...WELL, cloudSwitch: false, cloudLastMs: ago(200) },
    'off unknown unprotected | switch-off | enable-cloud-backup',
  ],
  [
    'switch, off since an hour',
    { ...WELL, cloudSwitch: false },
    'off unknown at-risk | switch-off | enable-cloud-backup',
  ],
  [
    'Wi-Fi',
    { ...STALE, ...nights({ withoutWifi: 6, inCondition: 0 }) },
    'problem unknown at-risk | no-wifi | join-wifi',
  ],
  [
    'Wi-Fi, weak',
    { ...STALE, link: { medianMs: 200, slowMs: 1500, lostShare: 0.1 } },
    'problem unknown at-risk | weak-wifi | move-closer',
  ],
  [
    'power',
    { ...STALE, ...nights({ withoutPower: 6, inCondition: 0 }) },
    'problem unknown at-risk | no-power | charge-overnight',
  ],
  [
    'power, a dead cable',
    { ...STALE, power: { isConnected: true, isCharging: false, canCharge: false } },
    'problem unknown at-risk | dead-cable | other-cable',
  ],
  [
    'power, unplugged now',
    { ...STALE, power: UNPLUGGED },
    'problem unknown at-risk | no-power | charge-overnight | storage-room?',
  ],
  [
    'lock',
    { ...STALE, ...nights({ withoutLock: 7, inCondition: 0 }) },
    'problem unknown at-risk | not-locked | lock-at-night',
  ],
  ['storage', { ...STALE, ...FULL }, 'problem unknown at-risk | storage-full | free-cloud-room'],
  [
    'storage, as the phone noted',
    { ...STALE, cloudErrors: [error(303, 4)] },
    'problem unknown at-risk | storage-full | free-cloud-room',
  ],
  [
    'service',
    { ...WELL, cloudLastMs: ago(3), ...OUTAGE(2.5) },
    'late unknown at-risk | service-outage | wait-for-apple',
  ],
  [
    'account',
    { ...STALE, accountWantsAttention: true },
    'problem unknown at-risk | account-wants-attention | confirm-account',
  ],
  ['account, signed out', { ...STALE, isSignedIn: false }, 'problem unknown at-risk | signed-out | sign-in'],
  [
    'restart, by what the phone shows',
    { ...STALE, message: 'estimating-for-hours' },
    'problem unknown at-risk | stuck | restart-phone',
  ],
  [
    'restart, by elimination',
    { ...STALE, ...CONTENT, upSinceMs: ago(60) },
    'problem unknown at-risk | stuck | back-up-now',
  ],
  ['update', { ...STALE, ...CONTENT, ios: '26.0' }, 'problem unknown at-risk | ios-outdated | back-up-now'],
  [
    'update, and Back Up Now did not help',
    { ...STALE, ...CONTENT, ios: '26.0' },
    'problem unknown at-risk | ios-outdated | back-up-on-a-computer then update-ios',
    [trial('back-up-now', undefined, 2)],
  ],
  [
    'update, too old for iCloud',
    { ...STALE, ios: '8.4.1', newestIos: { version: '9.3.5', isLastForModel: true } },
    'problem unknown at-risk | ios-too-old | back-up-on-a-computer then update-ios',
  ],
])

claim('pairs', [
  [
    'signed out explains the switch',
    { ...WELL, cloudSwitch: 'absent', cloudLastMs: 'absent', isSignedIn: false },
    'off unknown unprotected | signed-out | sign-in',
  ],
  [
    'a school explains the switch',
    { ...STALE, cloudSwitch: false, management: school },
    'off unknown at-risk | managed | ask-administrator',
  ],
  [
    'a full plan before weak Wi-Fi',
    { ...STALE, ...FULL, link: { medianMs: 200, slowMs: 1500, lostShare: 0.1 } },
    'problem unknown at-risk | storage-full | free-cloud-room',
  ],
  [
    'a dead cable before a full plan',
    { ...STALE, ...FULL, power: { isConnected: true, canCharge: false } },
    'problem unknown at-risk | dead-cable | other-cable',
  ],
  [
    'no power before no Wi-Fi',
    { ...STALE, ...condition({ onPower: false, onWifi: false }) },
    'problem unknown at-risk | no-power | charge-overnight',
  ],
  [
    'an outage that began later, and three weeks',
    { ...STALE, ...OUTAGE(1) },
    'problem unknown at-risk | service-outage | wait-for-apple | storage-room?',
  ],
  [
    'an outage that began later, and a full plan',
    { ...STALE, ...OUTAGE(1), ...FULL },
    'problem unknown at-risk | storage-full | free-cloud-room',
  ],
  [
    'the switch before everything on the way',
    { ...STALE, cloudSwitch: false, ...FULL, ...nights({ withoutPower: 7 }) },
    'off unknown at-risk | switch-off | enable-cloud-backup',
  ],
  [
    'the account before an old iOS',
    { ...STALE, accountWantsAttention: true, ios: '26.0' },
    'problem unknown at-risk | account-wants-attention | confirm-account',
  ],
  [
    'the network before a VPN in doubt',
    { ...STALE, hasVpn: true, cloudErrors: [error(308)] },
    'problem unknown at-risk | no-wifi | join-wifi',
  ],
  [
    'a full phone before a full plan',
    { ...STALE, ...FULL, phoneRoom: { freeBytes: 3e8 } },
    'problem unknown at-risk | phone-full | free-phone-room',
  ],
])

claim('beyond the nine', [
  [
    'forbidden',
    { ...STALE, management: { ...school, forbidsCloud: true } },
    'problem unknown at-risk | managed | ask-administrator',
  ],
  [
    'Screen Time',
    { ...STALE, message: 'switch-is-grey', hasScreenTimeLock: true },
    'problem unknown at-risk | screen-time | allow-account-changes',
  ],
  [
    'the phone full',
    { ...STALE, phoneRoom: { freeBytes: 3e8 } },
    'problem unknown at-risk | phone-full | free-phone-room',
  ],
  ['the clock', { ...STALE, clockAheadMs: -2 * DAY_MS }, 'problem unknown at-risk | clock-wrong | set-clock'],
  [
    'a backup in the future',
    { ...STALE, cloudLastMs: NOW + DAY_MS },
    'problem unknown at-risk | clock-wrong | set-clock',
  ],
  [
    'our own clock',
    { ...STALE, clockAheadMs: -2 * DAY_MS, ownClockAheadMs: 2 * DAY_MS },
    'problem unknown at-risk | own-clock-wrong | set-own-clock',
  ],
  [
    'our own clock, which made a fresh backup look old',
    { ...WELL, cloudLastMs: ago(2), clockAheadMs: -2 * DAY_MS, ownClockAheadMs: 2 * DAY_MS },
    'healthy unknown protected | - | -',
  ],
  ['low data', { ...STALE, hasLowDataMode: true }, 'problem unknown at-risk | low-data-mode | turn-off-low-data'],
  [
    'a filter',
    { ...STALE, cloudErrors: [error(-1003, 1, 'NSURLErrorDomain')] },
    'problem unknown at-risk | filtered-network | turn-off-vpn',
  ],
  [
    'a filter that is no VPN',
    { ...STALE, hasVpn: false, cloudErrors: [error(300)] },
    'problem unknown at-risk | filtered-network | join-wifi',
  ],
  ['back-off', { ...STALE, cloudNextMs: NOW + 6 * DAY_MS }, 'problem unknown at-risk | backed-off | back-up-now'],
  ['restoring', { ...STALE, isRestoring: true }, 'problem unknown at-risk | restoring | wait-for-restore'],
  ['not unlocked', { ...STALE, cloudErrors: [error(209)] }, 'problem unknown at-risk | not-unlocked | unlock-once'],
  [
    'a damaged copy, at the end',
    { ...STALE, ...CONTENT, cloudErrors: [error(310, 1), error(310, 2)] },
    'problem unknown at-risk | copy-damaged | back-up-now',
  ],
])

claim('as a knowledgeable friend would say', [
  [
    'room was made in iCloud after it had been full: just try again',
    { ...STALE, cloudErrors: [error(303, 5)], cloudRoom: { usedBytes: 25e9, totalBytes: 50e9 }, message: 'none' },
    'problem unknown at-risk | - | back-up-now | charges-at-night?',
  ],
  [
    'some room is left, but it was not enough',
    { ...STALE, cloudErrors: [error(303, 5)], cloudRoom: { usedBytes: 47e9, totalBytes: 50e9 } },
    'problem unknown at-risk | storage-full | free-cloud-room',
  ],
  [
    'backups are broken off, and it saves power: what can be named comes first',
    { ...STALE, hasLowPowerMode: true, cloudErrors: [error(202, 1)] },
    'problem unknown at-risk | low-power-mode | turn-off-low-power',
  ],
  [
    'an employer who lets iCloud Backup be on: a try before a call',
    { ...STALE, ...CONTENT, management: school },
    'problem unknown at-risk | managed | back-up-now',
  ],
  [
    'our cable gives no power, and that is the only one there is',
    { ...STALE, reach: 'usb', power: { percent: 41, isConnected: true, canCharge: false } },
    'problem unknown at-risk | dead-cable | other-cable',
  ],
  [
    'our cable gives no power, and the one by the bed does',
    { ...STALE, ...CONTENT, reach: 'usb', power: { percent: 41, isConnected: true, canCharge: false } },
    'problem unknown at-risk | dead-cable | back-up-now',
  ],
  [
    'a slow charger that does charge',
    {
      ...STALE,
      ...CONTENT,
      power: { isConnected: true, isCharging: true, adapter: { watts: 2.5, isUnrecognized: false } },
    },
    'problem unknown at-risk | weak-charger | back-up-now',
  ],
  [
    'more stored than the plan that is left allows',
    { ...STALE, cloudRoom: { usedBytes: 40e9, totalBytes: 5e9 } },
    'problem unknown at-risk | storage-full | free-cloud-room',
  ],
  [
    'no password for our backups, and iCloud is well',
    { ...WELL, repositoryObstacle: 'cli.no-password', ownLastMs: { unread: 'refused' } },
    'healthy unknown protected | own-repository-no-password | give-repository-password',
  ],
  [
    'the limit of our backups was reached, with room on the disk',
    {
      ...KEPT,
      ownLastMs: ago(9),
      ownFailure: { code: 'device.backup-no-space', atMs: ago(0.1) },
      ownAllowance: { usedBytes: 45e9, totalBytes: 50e9 },
    },
    'healthy late protected | own-allowance-used | raise-allowance',
  ],
])

claim('our own backups', [
  [
    'not trusted',
    {
      reach: 'usb',
      obstacle: 'device.not-paired',
      cloudSwitch: { unread: 'refused' },
      cloudLastMs: { unread: 'refused' },
    },
    'unknown unknown unknown | own-not-trusted | trust-computer',
  ],
  [
    'trust lost, over Wi-Fi',
    { reach: 'wifi', obstacle: 'device.wrong-certificate' },
    'unknown unknown unknown | own-trust-lost | connect-cable',
  ],
  [
    'not found',
    { ...KEPT_HERE, reach: 'absent', lastSeenMs: ago(9), ownLastMs: ago(9) },
    'unknown late unknown | own-not-seen | connect-cable',
  ],
  ['not unlocked', { reach: 'usb', obstacle: 'device.locked' }, 'unknown unknown unknown | not-unlocked | unlock-once'],
  [
    'never made',
    { ...KEPT, ownLastMs: 'absent', repositoryObstacle: 'absent' },
    'healthy off protected | own-never-made | back-up-here',
  ],
  ['overdue', { ...KEPT, ownLastMs: ago(20) }, 'healthy problem protected | own-overdue | back-up-here'],
  [
    'no Wi-Fi connections, by cable',
    { ...KEPT, reach: 'usb', ownLastMs: ago(20), wifiConnections: false },
    'healthy problem protected | own-wifi-off | allow-wifi-connections',
  ],
  [
    'no passcode',
    { ...KEPT, ownLastMs: ago(20), ownFailure: { code: 'device.backup-no-passcode', atMs: ago(1) } },
    'healthy problem protected | own-passcode-not-given | enter-passcode',
  ],
  [
    'disk full',
    { ...KEPT, ownLastMs: ago(20), ownRoom: { freeBytes: 1e6 } },
    'healthy problem protected | own-disk-full | free-own-room',
  ],
  [
    'allowance used up',
    { ...KEPT, ownLastMs: ago(20), ownAllowance: { usedBytes: 5e9, totalBytes: 5e9 } },
    'healthy problem protected | own-allowance-used | raise-allowance',
  ],
  [
    'repository away',
    { ...WELL, repositoryObstacle: 'repo.unreachable', ownLastMs: { unread: 'refused' } },
    'healthy unknown protected | own-repository-unreachable | reach-repository',
  ],
  [
    'repository locked',
    { ...WELL, repositoryObstacle: 'repo.locked', ownLastMs: { unread: 'refused' } },
    'healthy unknown protected | own-repository-locked | unlock-repository',
  ],
  [
    'password of the repository',
    { ...WELL, repositoryObstacle: 'repo.wrong-password', ownLastMs: { unread: 'refused' } },
    'healthy unknown protected | own-repository-password | give-repository-password',
  ],
  [
    'both behind: iCloud first',
    { ...KEPT, cloudSwitch: false, ownLastMs: ago(20) },
    'off problem at-risk | switch-off | enable-cloud-backup',
  ],
  [
    'iCloud behind without a sign: ours, and the question',
    { ...KEPT, cloudLastMs: ago(23), ownLastMs: 'absent' },
    'problem off at-risk | own-never-made | back-up-here | storage-room?',
  ],
])

claim('what was tried', [
  [
    'the switch did not move',
    { ...STALE, cloudSwitch: false },
    'off unknown at-risk | switch-off | turn-on-switch',
    [trial('enable-cloud-backup', 'switch-off', 0.01)],
  ],
  [
    'the person made room this morning',
    { ...STALE, ...FULL },
    'problem unknown at-risk | storage-full | back-up-now',
    [trial('free-cloud-room', 'storage-full', 0.1)],
  ],
  [
    'and has tapped Back Up Now',
    { ...STALE, ...FULL },
    'problem unknown at-risk | storage-full | wait-a-night',
    [trial('free-cloud-room', 'storage-full', 0.1), trial('back-up-now', undefined, 0.05)],
  ],
  [
    'room was made two days ago',
    { ...STALE, ...FULL },
    'problem unknown at-risk | storage-full | leave-app-out',
    [trial('free-cloud-room', 'storage-full', 2)],
  ],
  [
    'nothing against the first cause is left, so the next comes up',
    { ...STALE, message: 'no-wifi', accountWantsAttention: true },
    'problem unknown at-risk | account-wants-attention | confirm-account',
    [trial('join-wifi', 'no-wifi', 4), trial('move-closer', 'no-wifi', 2)],
  ],
  [
    'Back Up Now failed: a restart',
    { ...STALE, ...CONTENT },
    'problem unknown at-risk | stuck | restart-phone',
    [trial('back-up-now', undefined, 2)],
  ],
  [
    'all but the last resort: a backup first',
    { ...STALE, ...CONTENT, ...KEPT_HERE, ownLastMs: ago(3) },
    'problem healthy protected | settings-tangled | back-up-here then reset-all-settings',
    [
      'back-up-now',
      'restart-phone',
      'restart',
      'join-wifi',
      'leave-app-out',
      'delete-this-copy',
      'reset-network',
      'sign-out-and-in',
    ].map((remedy) => trial(remedy as Trial['remedy'], undefined, 2)),
  ],
  [
    'all but the last resort, and a backup of last night',
    { ...STALE, ...CONTENT, ...KEPT_HERE },
    'problem healthy protected | settings-tangled | reset-all-settings',
    [
      'back-up-now',
      'restart-phone',
      'restart',
      'join-wifi',
      'leave-app-out',
      'delete-this-copy',
      'reset-network',
      'sign-out-and-in',
    ].map((remedy) => trial(remedy as Trial['remedy'], undefined, 2)),
  ],
  [
    'a remedy of an earlier trouble',
    { ...STALE, cloudErrors: [error(303)] },
    'problem unknown at-risk | storage-full | free-cloud-room',
    [trial('free-cloud-room', 'storage-full', 40)],
  ],
  [
    'the person will not',
    { ...STALE, ...FULL },
    'problem unknown at-risk | storage-full | leave-app-out',
    [trial('free-cloud-room', 'storage-full', 0.1, 'declined')],
  ],
  [
    'a backup must come first, and cannot: that is put right',
    { ...STALE, ...CONTENT, ...KEPT_HERE, ownLastMs: ago(20), ownRoom: { freeBytes: 1e6 }, ios: '26.0' },
    'problem problem at-risk | own-disk-full | free-own-room',
    [],
  ],
])

claim('without a phone', [
  ['nothing said', {}, 'unknown unknown unknown | - | - | device-class?'],
  ['which phone', { deviceClass: 'iPhone' }, 'unknown unknown unknown | - | - | ios?'],
  ['what is on it', { deviceClass: 'iPhone', ios: '18.5' }, 'unknown unknown unknown | - | - | switch?'],
  [
    'the switch is off',
    { deviceClass: 'iPhone', ios: '18.5', cloudSwitch: false },
    'off unknown unprotected | switch-off | turn-on-switch',
  ],
  [
    'the switch is on',
    { deviceClass: 'iPhone', ios: '18.5', cloudSwitch: true },
    'unknown unknown unknown | - | - | last-backup?',
  ],
  [
    'last backup weeks ago',
    { deviceClass: 'iPhone', ios: '18.5', cloudSwitch: true, cloudLastMs: ago(45) },
    'problem unknown at-risk | - | back-up-now | storage-room?',
  ],
  [
    'a full plan',
    { deviceClass: 'iPhone', ios: '18.5', cloudSwitch: true, cloudLastMs: ago(45), ...FULL },
    'problem unknown at-risk | storage-full | free-cloud-room',
  ],
  [
    'a restart is told by the model',
    { deviceClass: 'iPhone', ios: '18.5', cloudSwitch: true, cloudLastMs: ago(45), message: 'estimating-for-hours' },
    'problem unknown at-risk | stuck | restart | model?',
  ],
])
