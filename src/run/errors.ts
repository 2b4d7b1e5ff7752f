import { AppError } from '../base/errors.ts'
import type { Id, ReadBackReport } from '../repository/index.ts'

export type RunErrorCode =
  | 'run.unfinished'
  | 'run.cancelled'
  | 'run.no-backup'
  | 'run.not-as-stored'
  | 'run.restore-stopped'

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

/** A snapshot does not hold the one backup of a phone that was looked for in it. */
export function noBackup(saw: string): AppError<RunErrorCode> {
  return new AppError('run.no-backup', saw, {
    remedy: 'Choose another snapshot, or restore this one as it is and look into its folders',
  })
}

/** The person who holds the phone tapped cancel on it while it was being restored. */
export function restoreCancelled(): AppError<RunErrorCode> {
  return new AppError('run.cancelled', 'The restore was cancelled on the phone', {
    remedy: 'Look at the phone: if it does not work as before, restore it again',
  })
}

/** Guard rails before a restore that said stop; nothing has been changed yet. */
export function restoreStopped(
  checks: readonly { readonly saw: string; readonly remedy?: string }[],
): AppError<RunErrorCode> {
  const remedies = checks.map(({ remedy }) => remedy).filter((remedy) => remedy !== undefined)
  return new AppError('run.restore-stopped', `The restore was not begun. ${checks.map(({ saw }) => saw).join('; ')}`, {
    remedy: remedies.join('; '),
  })
}

/** The snapshot was made, but a sample of what is stored is not what was once written. */
export function notAsStored(snapshot: Id, { damaged, packs }: ReadBackReport): AppError<RunErrorCode> {
  const ours = damaged.some(({ isNew }) => isNew)
    ? 'some of them stored just now'
    : 'all of them older than this backup'
  const saw = `${damaged.length} packs, ${ours}, are damaged in the store (${packs} were read back)`
  return new AppError(
    'run.not-as-stored',
    `Snapshot ${snapshot.slice(0, 8)} was made, but it may not be whole: ${saw}`,
    {
      remedy:
        'Run `phonekeep check --read-data`, follow its steps with `phonekeep repair`, then back up again; look after the disk',
    },
  )
}
