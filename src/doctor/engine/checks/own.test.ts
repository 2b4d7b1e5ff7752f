import { claim, FAILED, ODD } from '../testing/claim.ts'
import { ago, KEPT_HERE, NOW, WELL } from '../testing/made-facts.ts'

const KEPT = { ...WELL, ...KEPT_HERE }
const failed = (code: string) => ({ ownLastMs: ago(20), ownFailure: { code, atMs: NOW } })

claim('own-reach', [
  ['over Wi-Fi', KEPT, 'ok'],
  ['looked for and not found', { ...KEPT_HERE, reach: 'absent', lastSeenMs: ago(9) }, 'own-not-seen certain'],
  ['never found', { reach: 'absent' }, 'own-not-seen certain'],
  ['asleep', { obstacle: 'device.asleep' }, 'own-not-seen likely'],
  ['not unlocked since its restart', { reach: 'usb', obstacle: 'device.locked' }, 'own-not-unlocked certain'],
  ['no usbmuxd', { obstacle: 'device.no-usbmuxd' }, 'own-no-usbmuxd certain'],
  ['cable only, and fresh backups', { ...KEPT, reach: 'usb', wifiConnections: false }, 'ok'],
  ['cable only, and no fresh backups', { ...KEPT, ownLastMs: ago(8), wifiConnections: false }, 'own-wifi-off possible'],
  ['cable only, and nothing kept here', { ...WELL, reach: 'usb', wifiConnections: false }, 'ok'],
  ['not looked for', {}, 'unknown'],
  ['a broken connection', { ...KEPT, obstacle: FAILED }, 'unknown'],
])

claim('own-trust', [
  ['trusted', KEPT, 'ok'],
  ['not paired', { ...KEPT, obstacle: 'device.not-paired' }, 'own-not-trusted certain'],
  ['refused', { ...KEPT, obstacle: 'device.trust-refused' }, 'own-not-trusted certain'],
  ['a record that fits no more', { ...KEPT, obstacle: 'device.wrong-certificate' }, 'own-trust-lost certain'],
  ['pairing forbidden', { ...KEPT, obstacle: 'device.supervised' }, 'own-forbidden certain'],
  ['refused at the last run, trusted now', { ...KEPT, ...failed('device.not-paired') }, 'ok'],
  [
    'refused at the last run, not seen now',
    { ...KEPT_HERE, ...failed('device.not-paired') },
    'own-not-trusted certain',
  ],
  ['some other obstacle', { ...KEPT, obstacle: 'device.asleep' }, 'unknown'],
  ['of another type', { ...KEPT, obstacle: ODD }, 'unknown'],
])

claim('own-runs', [
  ['last night', KEPT, 'ok'],
  ['eight days ago', { ...KEPT, ownLastMs: ago(8) }, 'own-overdue possible'],
  ['never', { ...KEPT, ownLastMs: 'absent' }, 'own-never-made likely'],
  [
    'no passcode given',
    { ...KEPT, ...failed('device.backup-no-passcode') },
    'own-passcode-not-given certain, own-overdue possible',
  ],
  [
    'a run that failed before the newest backup',
    { ...KEPT, ownFailure: { code: 'device.backup-no-passcode', atMs: ago(5) } },
    'ok',
  ],
  ['broken off', { ...KEPT, ...failed('device.backup-dropped') }, 'own-interrupted likely, own-overdue possible'],
  [
    'an error that nobody expected',
    { ...KEPT, ...failed('device.backup-inconsistent') },
    'own-failed likely, own-overdue possible',
  ],
  ['a code like a method', { ...KEPT, ...failed('toString') }, 'own-failed likely, own-overdue possible'],
  ['nothing set up', WELL, 'unknown'],
  ['the repository does not open', { ...KEPT, ownLastMs: { unread: 'refused' } }, 'unknown'],
])

claim('own-room', [
  ['400 GB free', KEPT, 'ok'],
  ['half a gigabyte free', { ...KEPT, ownRoom: { freeBytes: 5e8 } }, 'own-disk-full likely'],
  ['the last run found no room', { ...KEPT, ...failed('device.backup-no-space') }, 'own-disk-full certain'],
  [
    'an allowance used up',
    { ...KEPT, ownAllowance: { usedBytes: 5e9, totalBytes: 5e9 } },
    'own-allowance-used certain',
  ],
  ['an allowance with room', { ...KEPT, ownAllowance: { usedBytes: 3e9, totalBytes: 5e9 } }, 'ok'],
  [
    'the last run found too little of its allowance',
    { ...KEPT, ...failed('device.backup-no-space'), ownAllowance: { usedBytes: 3e9, totalBytes: 5e9 } },
    'own-allowance-used certain',
  ],
  [
    'the last run found no room, with more allowed than the disk has',
    { ...KEPT, ...failed('device.backup-no-space'), ownAllowance: { usedBytes: 3e9, totalBytes: 900e9 } },
    'own-disk-full certain',
  ],
  [
    'the disk was full, whatever is allowed',
    { ...KEPT, ...failed('repo.no-space'), ownAllowance: { usedBytes: 3e9, totalBytes: 5e9 } },
    'own-disk-full certain',
  ],
  ['a store that does not tell', { ...KEPT, ownRoom: 'absent' }, 'unknown'],
  ['nothing set up', WELL, 'unknown'],
])

claim('own-repository', [
  ['opens', KEPT, 'ok'],
  ['not there', { ...KEPT, repositoryObstacle: 'repo.absent' }, 'own-repository-unreachable certain'],
  ['locked', { ...KEPT, repositoryObstacle: 'repo.locked' }, 'own-repository-locked certain'],
  ['damaged', { ...KEPT, repositoryObstacle: 'repo.damaged' }, 'own-repository-damaged certain'],
  ['another password', { ...KEPT, repositoryObstacle: 'repo.wrong-password' }, 'own-repository-password certain'],
  ['lost its lock at the last run, opens now', { ...KEPT, ...failed('repo.lock-lost') }, 'ok'],
  ['no password given', { ...KEPT, repositoryObstacle: 'cli.no-password' }, 'own-repository-no-password certain'],
  ['some other obstacle', { ...KEPT, repositoryObstacle: 'cli.usage' }, 'own-repository-unreachable likely'],
  ['nothing set up', WELL, 'unknown'],
])

claim('own-password', [
  ['known', KEPT, 'ok'],
  ['none', { ...KEPT, isEncrypted: false, knowsPassword: 'absent' }, 'ok'],
  [
    'none, but one is demanded',
    { ...KEPT, isEncrypted: false, requiresEncryption: true },
    'own-encryption-required certain',
  ],
  ['none, one is demanded, and nothing is kept here', { ...WELL, isEncrypted: false, requiresEncryption: true }, 'ok'],
  ['not known here', { ...KEPT, knowsPassword: false }, 'own-password-unknown possible'],
  ['the last run was refused for it', { ...KEPT, ...failed('device.backup-password') }, 'own-password-unknown certain'],
  ['whether it is known was not asked', { ...KEPT, knowsPassword: { unread: 'not-asked' } }, 'unknown'],
  ['of another type', { ...KEPT, isEncrypted: ODD }, 'unknown'],
])
