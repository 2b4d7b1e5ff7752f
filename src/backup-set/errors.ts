import { AppError } from '../base/errors.ts'

export type BackupSetErrorCode =
  | 'backup-set.missing'
  | 'backup-set.encrypted'
  | 'backup-set.damaged'
  | 'backup-set.bad-row'

/** A file that every backup has is not there. */
export function missing(saw: string, cause?: unknown): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.missing', saw, {
    remedy: 'Choose the folder that holds Manifest.db and Status.plist; if they are gone, restore an older snapshot',
    cause,
  })
}

/** The backup's index cannot be read without the password that the phone encrypts its backups with. */
export function encrypted(saw: string): AppError<BackupSetErrorCode> {
  return new AppError('backup-set.encrypted', saw, {
    remedy: "Its contents cannot be listed without the phone's backup password; it can be restored to a phone as it is",
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
