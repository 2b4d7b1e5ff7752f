import { AppError } from '../base/errors.ts'

export type RunErrorCode = 'run.unfinished' | 'run.cancelled'

/** The phone said success, but its own Status.plist does not say that the backup is finished. */
export function unfinished(saw: string): AppError<RunErrorCode> {
  return new AppError('run.unfinished', saw, {
    remedy: 'No snapshot was made and the last one is untouched; start the backup again',
  })
}

/** The person who holds the phone tapped cancel on it. */
export function cancelledOnPhone(): AppError<RunErrorCode> {
  return new AppError('run.cancelled', 'The backup was cancelled on the phone', {
    remedy: 'Start it again when the phone can be spared: what was stored so far is kept and used',
  })
}

/** No phone has that many files; somebody plays one that copies its folders into each other. */
export function tooManyEntries(most: number): AppError<RunErrorCode> {
  return new AppError('run.unfinished', `The backup has more than ${most} entries`, {
    remedy: 'No snapshot was made and the last one is untouched; do not trust this phone',
  })
}
