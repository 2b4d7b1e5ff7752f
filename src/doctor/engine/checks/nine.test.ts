import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHECKS } from '../checks.ts'
import { claim, evidenceOf, FAILED, ODD } from '../testing/claim.ts'
import { ago, condition, error, madeFacts, NOW, nights, STALE, type Tellings, WELL } from '../testing/made-facts.ts'
import { HOUR_MS } from '../thresholds.ts'

claim('switch', [
  ['on', WELL, 'ok'],
  ['on, and 23 days behind', STALE, 'ok'],
  ['off', { ...STALE, cloudSwitch: false }, 'switch-off certain'],
  ['without a value, and a backup once', { ...STALE, cloudSwitch: 'absent' }, 'switch-off certain'],
  ['without a value or a backup', { cloudSwitch: 'absent', cloudLastMs: 'absent' }, 'never-set-up certain'],
  ['a broken connection', { ...WELL, cloudSwitch: FAILED }, 'unknown'],
  ['refused', { ...WELL, cloudSwitch: { unread: 'refused' } }, 'unknown'],
  ['a value of another type', { ...WELL, cloudSwitch: ODD }, 'unknown'],
  ['no phone', { cloudSwitch: { unread: 'no-phone' } }, 'asked switch'],
  [
    'only the log says that it is off',
    { ...STALE, cloudSwitch: FAILED, ...condition({ enabled: false }) },
    'switch-off likely',
  ],
])

test('switch: that it is off comes with the day on which the last copy may go', () => {
  const findings = CHECKS.switch(
    madeFacts({ ...WELL, cloudSwitch: false, cloudLastMs: Date.parse('2026-10-30T02:00Z') }),
  )
  const day = findings[0]?.evidence.find(({ message }) => message.key === 'evidence.copy-may-go')?.message.values?.day
  assert.deepEqual(day, { dayMs: Date.parse('2027-04-28T02:00Z') })
})

claim('wifi', [
  ['a fresh backup proves it', { cloudLastMs: NOW - HOUR_MS }, 'ok'],
  ['on Wi-Fi now', STALE, 'ok'],
  ['not on Wi-Fi now', { ...STALE, isOnWifi: false, reach: 'usb' }, 'no-wifi possible'],
  ['a log that says so', { ...STALE, ...condition({ onWifi: false }) }, 'no-wifi likely'],
  ['nights without', { ...STALE, ...nights({ withoutWifi: 4 }) }, 'no-wifi likely'],
  ['one night without', { ...STALE, ...nights({ withoutWifi: 1 }) }, 'ok'],
  ['the person says so', { ...STALE, wifiAtNight: false }, 'no-wifi likely'],
  ['the phone says so', { ...STALE, message: 'no-wifi' }, 'no-wifi likely'],
  ['no network when it tried', { ...STALE, cloudErrors: [error(308)] }, 'no-wifi likely'],
  ['slow', { ...STALE, link: { medianMs: 90, slowMs: 900, lostShare: 0 } }, 'weak-wifi likely'],
  ['losses', { ...STALE, link: { medianMs: 20, slowMs: 90, lostShare: 0.2 } }, 'weak-wifi likely'],
  ['losses, and a fresh backup', { ...WELL, link: { medianMs: 20, slowMs: 90, lostShare: 0.2 } }, 'ok'],
  ['by cable only', { cloudLastMs: ago(9), reach: 'usb' }, 'asked wifi-at-night'],
  ['the measurement broke off', { ...STALE, link: FAILED }, 'asked wifi-at-night'],
  ['the person does not know either', { ...STALE, link: ODD, wifiAtNight: { unread: 'unsure' } }, 'unknown'],
])

const H5 = {
  charging: { percent: 72, isConnected: true, isCharging: true, canCharge: true, isFull: false },
  heldAtLimit: { percent: 80, isConnected: true, isCharging: false, canCharge: true, isFull: false },
  deadCable: { percent: 41, isConnected: true, isCharging: false, canCharge: false, isFull: false },
  unplugged: { percent: 55, isConnected: false, isCharging: false, canCharge: false, isFull: false },
}

claim('power', [
  ['charging', { ...STALE, power: H5.charging }, 'ok'],
  ['held at its limit', { ...STALE, power: H5.heldAtLimit }, 'ok'],
  ['a cable without current', { ...STALE, power: H5.deadCable }, 'dead-cable certain'],
  ['unplugged', { ...STALE, power: H5.unplugged }, 'no-power possible'],
  ['unplugged by day, on power at night', { ...STALE, power: H5.unplugged, ...nights({}) }, 'ok'],
  ['unplugged, with a fresh backup', { ...WELL, power: H5.unplugged }, 'ok'],
  ['charging from us', { ...STALE, reach: 'usb', power: H5.charging }, 'unknown'],
  ['held at its limit by us', { ...STALE, reach: 'usb', power: H5.heldAtLimit }, 'unknown'],
  ['our own cable without current', { ...STALE, reach: 'usb', power: H5.deadCable }, 'dead-cable likely'],
  [
    'our own cable without current, and charged at night',
    { ...STALE, reach: 'usb', power: H5.deadCable, chargesAtNight: true },
    'dead-cable possible',
  ],
  ['charging from us, and at night, the person says', { ...STALE, reach: 'usb', chargesAtNight: true }, 'ok'],
  [
    'the log sees power that is ours',
    { ...STALE, reach: 'usb', ...condition({ locked: false }) },
    'not-locked possible',
  ],
  [
    'unplugged, but it names its adapter',
    { ...STALE, power: { isConnected: false, adapter: { watts: 20, isUnrecognized: false } } },
    'asked charges-at-night',
  ],
  [
    'a cable that nobody knows',
    { ...STALE, power: { ...H5.charging, isCharging: false, adapter: { isUnrecognized: true } } },
    'dead-cable likely',
  ],
  ['running down on its charger', { ...STALE, power: { ...H5.charging, isDraining: true } }, 'weak-charger likely'],
  [
    'half an ampere',
    { ...STALE, power: { ...H5.charging, adapter: { watts: 2.5, isUnrecognized: false } } },
    'weak-charger possible',
  ],
  ['15 W', { ...STALE, power: { ...H5.charging, adapter: { watts: 15, isUnrecognized: false } } }, 'ok'],
  ['nights without power', { ...STALE, ...nights({ withoutPower: 5 }) }, 'no-power likely'],
  [
    'two nights watched',
    { ...STALE, nights: { watched: 2, inCondition: 0, withoutPower: 2, withoutLock: 0, withoutWifi: 0 } },
    'ok',
  ],
  ['the log says so', { ...STALE, ...condition({ onPower: false }) }, 'no-power likely'],
  ['the phone says so', { ...STALE, message: 'no-power' }, 'no-power likely'],
  ['the person says so', { ...STALE, chargesAtNight: false }, 'no-power likely'],
  ['never locked at night', { ...STALE, ...nights({ withoutLock: 7 }) }, 'not-locked likely'],
  [
    'never locked, as far as is known',
    { ...STALE, hasPasscode: { unread: 'not-asked' }, ...nights({ withoutLock: 7 }) },
    'not-locked possible',
  ],
  [
    'never locked, having no passcode',
    { ...STALE, hasPasscode: false, ...nights({ withoutLock: 7, inCondition: 0 }) },
    'ok',
  ],
  ['left unlocked', { ...STALE, locksAtNight: false }, 'not-locked likely'],
  [
    'no power and no lock',
    { ...STALE, chargesAtNight: false, locksAtNight: false },
    'no-power likely, not-locked likely',
  ],
  [
    'each night something else',
    { ...STALE, ...nights({ inCondition: 0, withoutPower: 2, withoutLock: 2 }) },
    'never-in-condition likely',
  ],
  ['the phone has warned', { ...STALE, message: 'not-backed-up-in-weeks' }, 'never-in-condition likely'],
  ['it worked by hand', { ...STALE, backUpNow: 'worked' }, 'never-in-condition likely'],
  ['cancelled when conditions went', { ...STALE, cloudErrors: [error(202)] }, 'never-in-condition likely'],
  ['a value of another type', { ...STALE, power: ODD }, 'asked charges-at-night'],
  ['a broken connection', { ...STALE, power: FAILED, chargesAtNight: true, locksAtNight: true }, 'unknown'],
])

test('power: that the power is ours is told', () => {
  assert.deepEqual(evidenceOf('power', { ...STALE, reach: 'usb' }), ['our-cable'])
})

const full = { cloudRoom: { usedBytes: 5_350_000_000, totalBytes: 5_368_709_120 } }

claim('storage', [
  ['a fresh backup', WELL, 'ok'],
  ['99.7 % used', { ...STALE, ...full }, 'storage-full likely'],
  ['99.7 % used, and a fresh backup', { ...WELL, ...full }, 'storage-full possible'],
  ['more used than there is', { ...STALE, cloudRoom: { usedBytes: 7e9, totalBytes: 5e9 } }, 'storage-full likely'],
  ['half used', { ...STALE, cloudRoom: { usedBytes: 25e9, totalBytes: 50e9 } }, 'ok'],
  ['a plan of nothing', { ...STALE, cloudRoom: { usedBytes: 0, totalBytes: 0 } }, 'asked message-on-phone'],
  ['no number', { ...STALE, cloudRoom: { usedBytes: Number.NaN, totalBytes: 5e9 }, message: 'none' }, 'unknown'],
  ['it noted that iCloud was full', { ...STALE, cloudErrors: [error(303, 4)] }, 'storage-full likely'],
  ['so did CloudKit', { ...STALE, cloudErrors: [error(25, 4, 'CKErrorDomain')] }, 'storage-full likely'],
  ['it noted so before the last backup', { ...STALE, cloudErrors: [error(303, 30)] }, 'asked storage-room'],
  ['it noted so long ago', { ...STALE, cloudErrors: [error(303, 20)] }, 'storage-full possible'],
  [
    'something else was noted since',
    { ...STALE, cloudErrors: [error(303, 5), error(304, 1)] },
    'storage-full possible',
  ],
  ['the phone says so', { ...STALE, message: 'storage-full' }, 'storage-full certain'],
  [
    'an app larger than what is left',
    { ...STALE, cloudRoom: { usedBytes: 40e9, totalBytes: 50e9 }, apps: [{ id: 'a', name: 'A', dataBytes: 12e9 }] },
    'app-too-big possible',
  ],
  ['not asked', STALE, 'asked storage-room'],
  ['the person does not know', { ...STALE, cloudRoom: { unread: 'unsure' }, message: { unread: 'unsure' } }, 'unknown'],
])

const light = (backup: object, account: object = { light: 'ok' }) =>
  ({ services: { backup, account, storage: { light: 'ok' } } }) as Tellings

claim('service', [
  ['all green', STALE, 'ok'],
  ['repaired lately', { ...STALE, ...light({ light: 'recently-fixed' }) }, 'ok'],
  [
    'an outage since before backups stopped',
    { ...STALE, ...light({ light: 'outage', sinceMs: ago(24) }) },
    'service-outage certain',
  ],
  [
    'an outage that began yesterday',
    { ...STALE, ...light({ light: 'outage', sinceMs: ago(1) }) },
    'service-outage possible',
  ],
  ['an outage of unknown age', { ...STALE, ...light({ light: 'outage' }) }, 'service-outage certain'],
  ['an outage of signing in', { ...STALE, ...light({ light: 'ok' }, { light: 'outage' }) }, 'service-outage likely'],
  [
    'an outage, and a fresh backup',
    { ...WELL, ...light({ light: 'outage', sinceMs: NOW }) },
    'service-outage possible',
  ],
  ['a light of unknown colour', { ...STALE, ...light({ light: 'unknown' }) }, 'unknown'],
  ['another of unknown colour', { ...STALE, ...light({ light: 'ok' }, { light: 'unknown' }) }, 'unknown'],
  ['offline', { ...STALE, services: { unread: 'offline' } }, 'unknown'],
  ['offline, with a fresh backup', { ...WELL, services: { unread: 'offline' } }, 'unknown'],
  ['a page that is no feed', { ...STALE, services: ODD }, 'unknown'],
  [
    'offline, and an error of the server',
    { ...STALE, services: { unread: 'offline' }, cloudErrors: [error(304)] },
    'service-outage likely',
  ],
  ['an error of the server, and all green', { ...STALE, cloudErrors: [error(304)] }, 'ok'],
])

claim('account', [
  ['a fresh backup', WELL, 'ok'],
  ['signed in and content', { ...STALE, accountWantsAttention: false }, 'ok'],
  ['signed in, more is not known', STALE, 'asked account-badge'],
  ['nothing is known', {}, 'asked signed-in'],
  ['signed out', { ...STALE, isSignedIn: false }, 'signed-out certain'],
  ['a badge in the settings', { ...STALE, accountWantsAttention: true }, 'account-wants-attention likely'],
  ['refused by iCloud', { ...STALE, cloudErrors: [error(305)] }, 'account-wants-attention likely'],
  ['refused by CloudKit', { ...STALE, cloudErrors: [error(9, 1, 'CKErrorDomain')] }, 'account-wants-attention likely'],
  ['an e-mail that is not confirmed', { ...STALE, message: 'email-unverified' }, 'account-wants-attention certain'],
  ['a broken connection', { ...STALE, isSignedIn: FAILED, accountWantsAttention: { unread: 'unsure' } }, 'unknown'],
  ['Find My off proves nothing', { ...STALE, isSignedIn: { unread: 'odd' }, accountWantsAttention: false }, 'unknown'],
])

claim('restart', [
  ['a fresh backup', { ...WELL, upSinceMs: ago(300) }, 'ok'],
  ['restarted five days ago', STALE, 'ok'],
  ['running for two months', { ...STALE, upSinceMs: ago(60) }, 'stuck possible'],
  [
    'running for two months, age of the backup unknown',
    { ...STALE, upSinceMs: ago(60), cloudLastMs: FAILED },
    'unknown',
  ],
  ['no word of its start', { ...STALE, upSinceMs: 'absent' }, 'unknown'],
  ['of another type', { ...STALE, upSinceMs: ODD }, 'unknown'],
  ['estimating for hours', { ...STALE, message: 'estimating-for-hours' }, 'stuck likely'],
  ['a stale snapshot', { ...STALE, cloudErrors: [error(3)] }, 'stuck likely'],
  ['not unlocked since its restart', { obstacle: 'device.not-unlocked' }, 'not-unlocked certain'],
  ['a missing key', { ...STALE, cloudErrors: [error(209)] }, 'not-unlocked likely'],
])

claim('settings', [
  ['a fresh backup', WELL, 'ok'],
  ['nothing can tell', STALE, 'unknown'],
])

claim('update', [
  ['the newest', STALE, 'ok'],
  ['the newest, told with a letter', { ...STALE, ios: '27.1 (a)' }, 'ok'],
  ['one behind', { ...STALE, ios: '27.0.1' }, 'ios-outdated possible'],
  ['one behind, with a fresh backup', { ...WELL, ios: '26.4' }, 'ok'],
  [
    '18.9 is older than 18.10',
    { ...STALE, ios: '18.9', newestIos: { version: '18.10', isLastForModel: true } },
    'ios-outdated possible',
  ],
  [
    'the last for its model',
    { ...STALE, ios: '18.7.10', newestIos: { version: '18.7.10', isLastForModel: true } },
    'ok',
  ],
  ['a model without updates', { ...STALE, ios: '12.5.8', newestIos: 'absent' }, 'ok'],
  ['iOS 8', { ...STALE, ios: '8.4.1', newestIos: 'absent' }, 'ios-too-old certain'],
  ['iOS 9', { ...STALE, ios: '9.3.5', newestIos: 'absent' }, 'ok'],
  ['a beta', { ...STALE, build: '24A5380h' }, 'ios-beta possible'],
  ['a beta that backs up', { ...WELL, build: '24A5380h' }, 'ok'],
  ['a version that does not fit', { ...STALE, cloudErrors: [error(203)] }, 'ios-outdated likely'],
  ['offline', { ...STALE, newestIos: { unread: 'offline' } }, 'unknown'],
  ['no version at all', { ...STALE, ios: 'banana' }, 'unknown'],
  ['no phone', {}, 'asked ios'],
])
