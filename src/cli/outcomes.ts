import type { BackupSetErrorCode } from '../backup-set/index.ts'
import type { WireErrorCode } from '../base/channel.ts'
import type { DeviceErrorCode } from '../device/index.ts'
import type { PlistErrorCode } from '../plist/index.ts'
import type { RepositoryErrorCode } from '../repository/index.ts'
import type { RunErrorCode } from '../run/index.ts'
import type { ContentsErrorCode, VirtualPhoneErrorCode } from '../virtual-phone/index.ts'
import type { CliErrorCode } from './errors.ts'

/** Every error that a person may meet. */
export type ErrorCode =
  | WireErrorCode
  | PlistErrorCode
  | DeviceErrorCode
  | BackupSetErrorCode
  | VirtualPhoneErrorCode
  | ContentsErrorCode
  | RepositoryErrorCode
  | RunErrorCode
  | CliErrorCode

/** A fault of ours. */
export const UNEXPECTED_EXIT = 1

/**
 * The exit code of each error; docs/errors.md explains them. 1, 10, 11, 12 and 130 are restic's, 2 is for wrong usage; from 20 on
 * they say who has to do something: 20 connect a phone, 21 pair, 22 unlock it or enter the passcode, 23 the phone refuses,
 * 24 make room, 30 the connection broke, 31 somebody spoke nonsense, 40 the virtual phone cannot be as it was told.
 */
export const OUTCOMES = {
  'backup-set.altered': 1,
  'backup-set.bad-row': 1,
  'backup-set.damaged': 1,
  'backup-set.data-missing': 1,
  'backup-set.encrypted': 1,
  'backup-set.missing': 1,
  'backup-set.unsupported': 1,
  'backup-set.wrong-password': 12,
  'cli.check-failed': 1,
  'cli.encryption-is-off': 2,
  'cli.encryption-is-on': 2,
  'cli.interrupted': 130,
  'cli.no-password': 2,
  'cli.no-phone': 20,
  'cli.no-repository': 2,
  'cli.no-space': 24,
  'cli.not-agreed': 1,
  'cli.not-settled': 23,
  'cli.recovery-key-exists': 1,
  'cli.recovery-words': 12,
  'cli.restore-incomplete': 1,
  'cli.several-phones': 2,
  'cli.system': 1,
  'cli.usage': 2,
  'cli.words-not-repeated': 1,
  'device.app-list-refused': 23,
  'device.asleep': 30,
  'device.backup-cancelled': 23,
  'device.backup-dropped': 30,
  'device.backup-failed': 23,
  'device.backup-forbidden': 23,
  'device.backup-icloud-restoring': 23,
  'device.backup-inconsistent': 23,
  'device.backup-no-passcode': 22,
  'device.backup-no-space': 24,
  'device.backup-password': 23,
  'device.backup-read-failed': 23,
  'device.backup-setup-unfinished': 23,
  'device.backup-write-failed': 23,
  'device.bad-address': 2,
  'device.bad-pair-record': 21,
  'device.bad-udid': 2,
  'device.busy': 23,
  'device.cloud-no-account': 23,
  'device.cloud-not-changed': 23,
  'device.diagnostics-refused': 23,
  'device.file-refused': 23,
  'device.file-unreadable': 23,
  'device.find-my-on': 23,
  'device.gone': 20,
  'device.heartbeat-lost': 30,
  'device.link-version': 23,
  'device.lockdown-refused': 23,
  'device.locked': 22,
  'device.log-refused': 23,
  'device.needs-cable': 21,
  'device.no-mdns': 20,
  'device.no-usbmuxd': 20,
  'device.not-answering': 30,
  'device.not-paired': 21,
  'device.not-ready': 20,
  'device.not-unlocked': 22,
  'device.pair-record-unsafe': 21,
  'device.password-not-changed': 23,
  'device.password-wrong': 12,
  'device.phone-full': 24,
  'device.port-closed': 30,
  'device.restore-damaged': 23,
  'device.restore-failed': 23,
  'device.restore-too-new': 23,
  'device.service-refused': 23,
  'device.service-unprotected': 23,
  'device.setting-unchanged': 23,
  'device.supervised': 23,
  'device.tls-failed': 30,
  'device.too-many-connections': 23,
  'device.trust-refused': 21,
  'device.usbmuxd-refused': 20,
  'device.wrong-certificate': 21,
  'plist.malformed': 31,
  'plist.too-big': 31,
  'repo.absent': 10,
  'repo.access-denied': 1,
  'repo.append-only': 1,
  'repo.bad-address': 1,
  'repo.bad-path': 1,
  'repo.clock-wrong': 1,
  'repo.damaged': 1,
  'repo.exists': 1,
  'repo.forgets-last': 1,
  'repo.helper-died': 1,
  'repo.key-needed': 1,
  'repo.key-unclear': 1,
  'repo.keys-full': 1,
  'repo.lock-lost': 11,
  'repo.locked': 11,
  'repo.no-snapshots': 1,
  'repo.no-space': 24,
  'repo.snapshot-absent': 1,
  'repo.snapshot-ambiguous': 1,
  'repo.storage-failed': 1,
  'repo.target-not-empty': 1,
  'repo.unreachable': 30,
  'repo.unreadable': 1,
  'repo.unsupported': 1,
  'repo.untrusted-server': 1,
  'repo.unwritable': 1,
  'repo.wrong-password': 12,
  'run.cancelled': 23,
  'run.no-backup': 1,
  'run.not-as-stored': 1,
  'run.restore-stopped': 23,
  'run.unfinished': 23,
  'virtual-phone.attached-twice': 40,
  'virtual-phone.bad-command': 40,
  'virtual-phone.bad-faults': 2,
  'virtual-phone.bad-setting': 2,
  'virtual-phone.bad-udid': 2,
  'virtual-phone.bad-version': 2,
  'virtual-phone.contents-damaged': 40,
  'virtual-phone.contents-encrypted': 40,
  'virtual-phone.contents-missing': 40,
  'virtual-phone.contents-unsupported': 40,
  'virtual-phone.no-such-file': 40,
  'virtual-phone.not-listening': 40,
  'virtual-phone.unknown-model': 2,
  'virtual-phone.unknown-personality': 2,
  'wire.bad-frame': 31,
  'wire.closed': 30,
} as const satisfies Record<ErrorCode, number>

/** The exit code for an error; 1 for codes that do not come from this program's rooms. */
export function exitCodeOf(code: string): number {
  return (OUTCOMES as Readonly<Record<string, number>>)[code] ?? UNEXPECTED_EXIT
}

/** How `phonekeep doctor` ends when it could do its work; greater than those of errors, the worst of several phones counts. */
export const DOCTOR_EXITS = { healthy: 0, unsure: 50, problem: 51 } as const
