import type { AppError } from '../../base/errors.ts'
import type { BackupErrorCode, DeviceErrorCode } from '../errors.ts'
import { deviceError } from '../errors.ts'
import { printable } from '../printable.ts'

/** What a person can do about each MBErrorDomain code that phones answer with. Source: docs/protocol/mobilebackup2.md. */
const REFUSALS: { readonly [mbError: number]: { readonly code: BackupErrorCode; readonly remedy: string } } = {
  22: {
    code: 'device.backup-forbidden',
    remedy: 'The phone is managed by an organisation that forbids backups to a computer: ask its administrator',
  },
  24: {
    code: 'device.backup-forbidden',
    remedy: 'The phone did not permit this: restart it, unlock it once, and ask its administrator if it is managed',
  },
  25: {
    code: 'device.backup-icloud-restoring',
    remedy: 'The phone is still being restored from iCloud: keep it on Wi-Fi and power until that is done',
  },
  100: { code: 'device.backup-failed', remedy: 'Start the backup again; by cable, try another cable' },
  101: { code: 'device.backup-failed', remedy: 'Restart the phone, then start the backup again' },
  102: { code: 'device.backup-failed', remedy: 'Restart the phone, then start the backup again' },
  103: {
    code: 'device.backup-read-failed',
    remedy: 'The phone could not read what is already backed up: run the check of the repository, then try again',
  },
  104: {
    code: 'device.backup-write-failed',
    remedy: 'Some files could not be stored: unlock the phone, see that the repository can be written, and try again',
  },
  105: {
    code: 'device.backup-no-space',
    remedy: 'There is not enough room for this backup: free some, or raise the allowance',
  },
  202: {
    code: 'device.backup-cancelled',
    remedy: 'The backup was cancelled on the phone: start it again when it suits',
  },
  205: {
    code: 'device.backup-inconsistent',
    remedy: 'The phone found the stored backup incomplete: run the check of the repository, then make a full backup',
  },
  207: {
    code: 'device.backup-password',
    remedy: 'The phone wants an encrypted backup and its backup password: set or reset that password on the phone',
  },
  208: {
    code: 'device.backup-no-passcode',
    remedy: 'The phone asks for its passcode when a backup starts: start again and enter it within three minutes',
  },
  212: {
    code: 'device.backup-setup-unfinished',
    remedy: 'Finish setting up the phone (its setup assistant is still open), then start the backup again',
  },
}

const OTHER = { code: 'device.backup-failed', remedy: 'Restart the phone, then start the backup again' } as const

/** A phone's refusal as an error that tells a person what to do. */
export function backupError(refusal: {
  /** The response's ErrorCode, of MBErrorDomain; never 0. */
  readonly code: number
  readonly description: string
}): AppError<DeviceErrorCode> {
  const { code, remedy } = REFUSALS[refusal.code] ?? OTHER
  const said = refusal.description === '' ? '' : `: ${printable(refusal.description)}`
  return deviceError(code, `The phone ended the backup with error ${refusal.code}${said}`, { remedy })
}
