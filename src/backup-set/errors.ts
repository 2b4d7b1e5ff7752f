import { AppError } from '../base/errors.ts'

export type BackupSetErrorCode =
  | 'backup-set.missing'
  | 'backup-set.unsupported'
  | 'backup-set.encrypted'
  | 'backup-set.wrong-password'
  | 'backup-set.damaged'
  | 'backup-set.bad-row'
  | 'backup-set.data-missing'
  | 'backup-set.altered'

/** A file that every backup has is not there. */
export function missing(saw: string, cause?: unknown): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.missing', saw, {
    remedy: 'Choose the folder that holds Manifest.db and Status.plist; if they are gone, restore an older snapshot',
    cause,
  })
}

/** A backup of a kind that is not read here. */
export function unsupported(saw: string): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.unsupported', saw, {
    remedy: 'It is whole as far as anybody knows: restore it in its own layout, and open it with an older program',
  })
}

/** The backup cannot be read without the password that the phone encrypts its backups with. */
export function encrypted(saw: string): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.encrypted', saw, {
    remedy:
      'Give the password that was set for backups on this phone; without it the backup can still be restored to a phone',
  })
}

/** None of the backup's keys opens with the password. */
export function wrongPassword(): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.wrong-password', 'The backup does not open with this password', {
    remedy:
      'Try the password that was set for backups when this one was made: neither the passcode nor the one of the repository, and not a newer one',
  })
}

/** A file of the backup is there but does not hold what it should. */
export function damaged(saw: string, cause?: unknown): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.damaged', saw, {
    remedy: 'Use an older snapshot of this phone, and make a new backup of it soon',
    cause,
  })
}

/** One row of the index is not what a phone writes; the other rows may be in order. */
export function badRow(saw: string, cause?: unknown): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.bad-row', saw, {
    remedy: 'This one entry cannot be used; if the backup is your own and recent, report it with this message',
    cause,
  })
}

/** The index lists a file whose data is not there. */
export function dataMissing(saw: string): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.data-missing', saw, {
    remedy: 'Look for this file in an older or newer snapshot; the others are not affected',
  })
}

/** A file is not quite as a phone stores it, so it may have been changed; all of it was read all the same. */
export function altered(saw: string): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.altered', saw, {
    remedy: 'Open the file and see whether it is in order; if not, look for it in an older or newer snapshot',
  })
}
