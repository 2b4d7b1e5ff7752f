import { AppError } from '../base/errors.ts'

export type PlistErrorCode = 'plist.malformed' | 'plist.too-big'

/** The bytes are not a property list, or a damaged one. */
export function malformed(saw: string, cause?: unknown): AppError<PlistErrorCode> {
  return new AppError('plist.malformed', saw, {
    remedy:
      'The file or message is damaged: get it again from where it came from; if it stays so, report it with this message',
    cause,
  })
}

/** The property list costs more to read or write than we are ready to spend, whether or not it is well formed. */
export function tooBig(saw: string): AppError<PlistErrorCode> {
  return new AppError('plist.too-big', saw, {
    remedy: 'If it comes from your own phone or backup, report it with this message, since the limit may be too low',
  })
}
