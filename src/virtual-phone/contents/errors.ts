import { AppError } from '../../base/errors.ts'

export type ContentsErrorCode =
  | 'virtual-phone.contents-encrypted'
  | 'virtual-phone.contents-unsupported'
  | 'virtual-phone.contents-missing'
  | 'virtual-phone.contents-damaged'
  | 'virtual-phone.no-such-file'

/** The backup folder is encrypted: its files cannot be read without the password. */
export function contentsEncrypted(folder: string): AppError<ContentsErrorCode> {
  return new AppError('virtual-phone.contents-encrypted', `The backup in ${folder} is encrypted`, {
    remedy: 'Give a folder with an unencrypted backup, or decrypt this one first',
  })
}

/** The folder is a backup of a kind that has no Manifest.db (iOS 9 and older). */
export function contentsUnsupported(folder: string): AppError<ContentsErrorCode> {
  return new AppError('virtual-phone.contents-unsupported', `The backup in ${folder} is older than iOS 10 (mbdb)`, {
    remedy: 'Give a backup made by iOS 10 or newer',
  })
}

/** There is no backup in the folder. */
export function contentsMissing(folder: string, cause?: unknown): AppError<ContentsErrorCode> {
  return new AppError('virtual-phone.contents-missing', `There is no Manifest.db in ${folder}`, {
    remedy: 'Give the folder named after the phone (it holds Manifest.db), or the folder that holds only that one',
    cause,
  })
}

/** Manifest.db is there but cannot be read. */
export function contentsDamaged(folder: string, cause: unknown): AppError<ContentsErrorCode> {
  return new AppError('virtual-phone.contents-damaged', `The Manifest.db in ${folder} cannot be read`, {
    remedy: 'Give a folder whose backup was finished',
    cause,
  })
}

/** Somebody named a file that the virtual phone does not have. */
export function noSuchFile(domain: string, relativePath: string): AppError<ContentsErrorCode> {
  return new AppError('virtual-phone.no-such-file', `The virtual phone has no file ${domain}-${relativePath}`, {
    remedy: 'Name a file by its backup domain and its path in that domain',
  })
}
