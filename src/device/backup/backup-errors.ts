import type { AppError } from '../../base/errors.ts'
import type { BackupErrorCode, DeviceErrorCode } from '../errors.ts'
import { deviceError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { BackupRefusal } from './backup-service.ts'

interface Meaning {
  readonly code: BackupErrorCode
  readonly remedy: string
}

/** By MBErrorDomain code. Codes that are not there mean what `other` says. */
interface Request {
  readonly name: string
  readonly meanings: { readonly [mbError: number]: Meaning }
  readonly other: Meaning
}

/** Why a phone refused or ended a backup, for the person who holds it. Source: docs/protocol/mobilebackup2.md#what-the-error-codes-mean. */
export function backupError(refusal: BackupRefusal): AppError<DeviceErrorCode> {
  return explain(refusal, BACKUP)
}

/** The same for a restore. */
export function restoreError(refusal: BackupRefusal): AppError<DeviceErrorCode> {
  return explain(refusal, RESTORE)
}

/** The same for a change of the backup password. */
export function passwordChangeError(refusal: BackupRefusal): AppError<DeviceErrorCode> {
  return explain(refusal, PASSWORD_CHANGE)
}

/** The same for turning iCloud Backup on or off. */
export function cloudBackupError(refusal: BackupRefusal): AppError<DeviceErrorCode> {
  return explain(isWithoutAccount(refusal) ? { ...refusal, code: NO_ACCOUNT } : refusal, CLOUD_BACKUP)
}

function explain({ code: mbError, description }: BackupRefusal, request: Request): AppError<DeviceErrorCode> {
  const { code, remedy } = request.meanings[decisiveCode(mbError, description)] ?? request.other
  const said = description === '' ? '' : `: ${printable(description)}`
  return deviceError(code, `The phone ended ${request.name} with error ${mbError}${said}`, { remedy })
}

/** Codes that only say that something went wrong: what it was is in the errors below, which the text repeats. */
const WRAPPERS = new Set([1, 2, 104])
const TELLING = new Set([22, 105, 106, 207, 208, 211])

function decisiveCode(code: number, description: string): number {
  if (!WRAPPERS.has(code)) return code
  const below = [...description.slice(0, 4096).matchAll(/\(MBErrorDomain\/(\d{1,4})\)/g)].map((match) =>
    Number(match[1]),
  )
  return below.find((inner) => TELLING.has(inner)) ?? code
}

const NO_ACCOUNT = 210

/** Said with error 1, so only the text tells. */
function isWithoutAccount({ code, description }: BackupRefusal): boolean {
  return code === 1 && /no account exists|not provisioned/i.test(description)
}

/** The same code for a range of errors. */
function each(errors: readonly number[], meaning: Meaning): { readonly [mbError: number]: Meaning } {
  return Object.fromEntries(errors.map((error) => [error, meaning]))
}

/** What has the same cause and remedy whatever was asked for. */
const ALWAYS: Request['meanings'] = {
  ...each([13, 14, 17], {
    code: 'device.backup-failed',
    remedy: 'The phone is busy with something else: wait a few minutes and try again',
  }),
  ...each([18, 19, 20], {
    code: 'device.backup-failed',
    remedy: 'A part of iOS did not answer on the phone: restart the phone, unlock it once, and try again',
  }),
  22: {
    code: 'device.backup-forbidden',
    remedy: 'The phone is managed by an organisation that forbids this: ask its administrator',
  },
  24: {
    code: 'device.backup-forbidden',
    remedy: 'The phone did not permit this: restart it, unlock it once, and ask its administrator if it is managed',
  },
  25: {
    code: 'device.backup-icloud-restoring',
    remedy: 'The phone is still being restored from iCloud: keep it on Wi-Fi and power until that is done',
  },
  ...each([202, 217, 218, 219, 220, 221, 222, 224], {
    code: 'device.backup-cancelled',
    remedy: 'It was cancelled on the phone: start it again when it suits',
  }),
  208: {
    code: 'device.backup-no-passcode',
    remedy: 'Unlock the phone, start again, and enter its passcode within three minutes when the phone asks for it',
  },
  212: {
    code: 'device.backup-setup-unfinished',
    remedy: 'Finish setting up the phone (its setup assistant is still open), then start again',
  },
}

const FAILED: Meaning = {
  code: 'device.backup-failed',
  remedy: 'Restart the phone, unlock it once, then start again',
}
const LINK_FAILED: Meaning = { code: 'device.backup-failed', remedy: 'Start again; by cable, try another cable' }

const BACKUP: Request = {
  name: 'the backup',
  other: FAILED,
  meanings: {
    ...ALWAYS,
    9: {
      code: 'device.backup-failed',
      remedy: 'A file kept changing while the phone read it: close the apps on the phone, then start the backup again',
    },
    ...each([10, 11, 12, 203, 204, 205], {
      code: 'device.backup-inconsistent',
      remedy: 'The phone found the stored backup incomplete: run the check of the repository, then make a full backup',
    }),
    100: LINK_FAILED,
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
    106: {
      code: 'device.phone-full',
      remedy:
        'The phone is too full to make a backup: free about 1 GB on it, for example large videos, and start again',
    },
    207: {
      code: 'device.backup-password',
      remedy:
        'The phone must encrypt its backups and has no backup password: set one with `phonekeep encryption on`, then start the backup again',
    },
  },
}

const RESTORE: Request = {
  name: 'the restore',
  other: { code: 'device.restore-failed', remedy: FAILED.remedy },
  meanings: {
    ...ALWAYS,
    22: {
      code: 'device.backup-forbidden',
      remedy:
        'The phone is managed by an organisation that forbids restoring this backup, perhaps because it is not encrypted: ask its administrator',
    },
    100: { code: 'device.restore-failed', remedy: LINK_FAILED.remedy },
    102: {
      code: 'device.restore-failed',
      remedy: 'An earlier restore is still waiting for a restart: restart the phone, unlock it once, and restore again',
    },
    ...each([4, 10, 11, 12, 101, 103, 205], {
      code: 'device.restore-damaged',
      remedy:
        'The phone could not use a part of this backup: run the check of the repository, or choose another snapshot',
    }),
    ...each([105, 106], {
      code: 'device.phone-full',
      remedy: 'The backup does not fit on the phone: free room on it, erase it first, or use a phone with more storage',
    }),
    203: {
      code: 'device.restore-too-new',
      remedy:
        'The backup is from a newer iOS: update iOS on the phone (Settings, General, Software Update), then restore',
    },
    204: {
      code: 'device.restore-damaged',
      remedy: 'The phone finds no finished backup there: choose another snapshot',
    },
    207: {
      code: 'device.password-wrong',
      remedy: 'The password does not open this backup: enter the backup password that was set when it was made',
    },
    211: {
      code: 'device.find-my-on',
      remedy: 'Turn off Find My on the phone (Settings, your name, Find My), restore, and turn it on again afterwards',
    },
  },
}

const PASSWORD_CHANGE: Request = {
  name: 'the change of the backup password',
  other: { code: 'device.password-not-changed', remedy: FAILED.remedy },
  meanings: {
    ...ALWAYS,
    22: {
      code: 'device.backup-forbidden',
      remedy:
        'The organisation that manages the phone demands encrypted backups: the password can be changed, not removed',
    },
    100: { code: 'device.password-not-changed', remedy: LINK_FAILED.remedy },
    ...each([103, 104, 105, 205], {
      code: 'device.password-not-changed',
      remedy:
        'The phone could not rewrite the existing backup: start again without it, and make a full backup afterwards',
    }),
    207: {
      code: 'device.password-wrong',
      remedy:
        'The present backup password is another one: try others you use; if it is lost, "Reset All Settings" on the phone removes it',
    },
  },
}

const CLOUD_BACKUP: Request = {
  name: 'the change of iCloud Backup',
  other: {
    code: 'device.cloud-not-changed',
    remedy: 'Turn it on or off on the phone: Settings, your name, iCloud, iCloud Backup',
  },
  meanings: {
    ...ALWAYS,
    22: {
      code: 'device.backup-forbidden',
      remedy: 'The phone is managed by an organisation that forbids iCloud Backup: ask its administrator',
    },
    ...each([NO_ACCOUNT, 305], {
      code: 'device.cloud-no-account',
      remedy: 'Sign in on the phone with an Apple Account (Settings, at the top), then try again',
    }),
    ...each([300, 302, 304, 308, 310], {
      code: 'device.cloud-not-changed',
      remedy: 'iCloud cannot be reached now: see that the phone is on Wi-Fi, and try again later',
    }),
  },
}
