import { claim, FAILED, ODD } from '../testing/claim.ts'
import { ago, error, NOW, STALE, WELL } from '../testing/made-facts.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../thresholds.ts'

const school = { isSupervised: true, organization: 'A school', profiles: 2 }

claim('management', [
  ['nobody', STALE, 'ok'],
  ['a school, and a fresh backup', { ...WELL, management: school }, 'ok'],
  ['a school, and no backups', { ...STALE, management: school }, 'managed possible'],
  ['a school, and switched off', { ...STALE, cloudSwitch: false, management: school }, 'managed likely'],
  [
    'a profile, and switched off',
    { ...STALE, cloudSwitch: false, management: { isSupervised: false, profiles: 1 } },
    'managed possible',
  ],
  ['a profile, and switched on', { ...STALE, management: { isSupervised: false, profiles: 1 } }, 'ok'],
  [
    'the phone said that it is forbidden',
    { ...STALE, management: { ...school, forbidsCloud: true } },
    'managed certain',
  ],
  ['the phone noted that it is forbidden', { ...STALE, cloudErrors: [error(22)] }, 'managed certain'],
  ['a grey switch', { ...STALE, message: 'switch-is-grey' }, 'screen-time possible'],
  [
    'a grey switch, and Screen Time',
    { ...STALE, message: 'switch-is-grey', hasScreenTimeLock: true },
    'screen-time likely',
  ],
  [
    'a grey button, and no Screen Time',
    { ...STALE, backUpNow: 'greyed-out', hasScreenTimeLock: false },
    'managed possible',
  ],
  ['Screen Time, and nothing grey', { ...STALE, hasScreenTimeLock: true }, 'ok'],
  ['a broken connection', { ...STALE, management: FAILED }, 'unknown'],
  ['no phone', {}, 'asked managed'],
])

claim('phone-storage', [
  ['40 GB free', STALE, 'ok'],
  ['0.3 GB free', { ...STALE, phoneRoom: { freeBytes: 321_785_856 } }, 'phone-full certain'],
  ['0.3 GB free, and a fresh backup', { ...WELL, phoneRoom: { freeBytes: 321_785_856 } }, 'phone-full possible'],
  ['no room when it tried', { ...STALE, cloudErrors: [error(106)] }, 'phone-full likely'],
  [
    'no room when it tried, of Cocoa',
    { ...STALE, cloudErrors: [error(640, 1, 'NSCocoaErrorDomain')] },
    'phone-full likely',
  ],
  ['less than nothing', { ...STALE, phoneRoom: { freeBytes: -1 } }, 'unknown'],
  ['of another type', { ...STALE, phoneRoom: ODD }, 'unknown'],
  ['no phone', {}, 'asked phone-room'],
])

claim('clock', [
  ['right', STALE, 'ok'],
  ['an hour behind', { ...STALE, clockAheadMs: -HOUR_MS }, 'clock-wrong certain'],
  [
    'an hour behind, by a clock that nobody has compared',
    { ...STALE, clockAheadMs: -HOUR_MS, ownClockAheadMs: { unread: 'offline' } },
    'clock-wrong likely',
  ],
  [
    'an hour behind ours, which is an hour ahead',
    { ...STALE, clockAheadMs: -HOUR_MS, ownClockAheadMs: HOUR_MS },
    'own-clock-wrong certain',
  ],
  [
    'as wrong as ours',
    { ...STALE, clockAheadMs: 0, ownClockAheadMs: HOUR_MS },
    'own-clock-wrong certain, clock-wrong certain',
  ],
  ['four minutes ahead', { ...STALE, clockAheadMs: 4 * MINUTE_MS }, 'ok'],
  ['an hour ahead, and a fresh backup', { ...WELL, clockAheadMs: HOUR_MS }, 'clock-wrong possible'],
  ['a backup in the future', { ...STALE, cloudLastMs: NOW + DAY_MS }, 'clock-wrong likely'],
  [
    'a backup in the future of our slow clock',
    { ...STALE, cloudLastMs: NOW + DAY_MS, clockAheadMs: 2 * DAY_MS, ownClockAheadMs: -2 * DAY_MS },
    'own-clock-wrong certain',
  ],
  ['a broken connection', { ...STALE, clockAheadMs: FAILED }, 'unknown'],
])

claim('modes', [
  ['a fresh backup', { ...WELL, hasLowPowerMode: true }, 'ok'],
  ['both off', { ...STALE, hasLowDataMode: false, hasLowPowerMode: false }, 'ok'],
  ['one of them not known', { ...STALE, hasLowDataMode: false }, 'asked low-power-mode'],
  ['saving data', { ...STALE, hasLowDataMode: true }, 'low-data-mode likely'],
  [
    'saving both',
    { ...STALE, hasLowDataMode: true, hasLowPowerMode: true },
    'low-data-mode likely, low-power-mode likely',
  ],
  ['nothing known', STALE, 'asked low-data-mode'],
  [
    'the person does not know',
    { ...STALE, hasLowDataMode: { unread: 'unsure' }, hasLowPowerMode: { unread: 'unsure' } },
    'unknown',
  ],
])

claim('network', [
  ['a fresh backup', { ...WELL, hasVpn: true }, 'ok'],
  ['no VPN', { ...STALE, hasVpn: false }, 'ok'],
  ['a VPN', { ...STALE, hasVpn: true }, 'filtered-network possible'],
  ['a network error', { ...STALE, cloudErrors: [error(300)] }, 'filtered-network likely'],
  ['no such host', { ...STALE, cloudErrors: [error(-1003, 1, 'NSURLErrorDomain')] }, 'filtered-network likely'],
  ['not asked', STALE, 'asked vpn'],
  ['the person does not know', { ...STALE, hasVpn: { unread: 'unsure' } }, 'unknown'],
])

claim('copy', [
  ['a fresh backup', WELL, 'ok'],
  ['the same vague error twice', { ...STALE, cloudErrors: [error(310, 1), error(1, 2)] }, 'copy-damaged possible'],
  ['a vague error once', { ...STALE, cloudErrors: [error(310, 1)] }, 'unknown'],
  ['no errors', { ...STALE, cloudErrors: [] }, 'ok'],
  ['not read', STALE, 'unknown'],
  ['of another type', { ...STALE, cloudErrors: ODD }, 'unknown'],
])

claim('back-off', [
  ['a fresh backup', { ...WELL, cloudNextMs: NOW + 5 * DAY_MS }, 'ok'],
  ['planned for tonight', { ...STALE, cloudNextMs: NOW + 10 * HOUR_MS }, 'ok'],
  ['planned in five days', { ...STALE, cloudNextMs: NOW + 5 * DAY_MS }, 'backed-off likely'],
  ['told to come back later', { ...STALE, cloudErrors: [error(17)] }, 'backed-off possible'],
  ['not read', STALE, 'unknown'],
  ['of another type', { ...STALE, cloudNextMs: ODD }, 'unknown'],
])

claim('setup', [
  ['done', { ...STALE, isRestoring: false }, 'ok'],
  ['unfinished', { ...STALE, setup: 'unfinished' }, 'setup-unfinished certain'],
  ['restoring', { ...STALE, isRestoring: true }, 'restoring certain'],
  ['restoring, as the settings say', { ...STALE, message: 'being-restored' }, 'restoring certain'],
  ['our backup was refused for a restore', { obstacle: 'device.backup-icloud-restoring' }, 'restoring certain'],
  ['our backup was refused for its setup', { obstacle: 'device.backup-setup-unfinished' }, 'setup-unfinished certain'],
  ['a fresh backup', { ...WELL, setup: 'absent' }, 'ok'],
  ['not read', { ...STALE, setup: 'absent', cloudLastMs: ago(9) }, 'unknown'],
  ['of another type', { ...STALE, setup: ODD }, 'unknown'],
])
