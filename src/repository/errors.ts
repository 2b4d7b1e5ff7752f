import { AppError, isSystemError } from '../base/errors.ts'
import type { ServerErrorCode } from './backend/http/errors.ts'

/** Each has a paragraph in docs/errors.md. */
export type RepositoryErrorCode =
  | ServerErrorCode
  | 'repo.absent'
  | 'repo.exists'
  | 'repo.wrong-password'
  | 'repo.damaged'
  | 'repo.unsupported'
  | 'repo.locked'
  | 'repo.lock-lost'
  | 'repo.no-space'
  | 'repo.unwritable'
  | 'repo.unreadable'
  | 'repo.storage-failed'
  | 'repo.snapshot-absent'
  | 'repo.snapshot-ambiguous'
  | 'repo.target-not-empty'
  | 'repo.bad-path'
  | 'repo.key-unclear'
  | 'repo.key-needed'
  | 'repo.keys-full'
  | 'repo.forgets-last'
  | 'repo.no-snapshots'
  | 'repo.helper-died'

type RepositoryError = AppError<RepositoryErrorCode>

/** Nothing lies where a repository was looked for. */
export function repositoryAbsent(location: string): RepositoryError {
  return new AppError('repo.absent', `There is no restic repository in ${location}`, {
    remedy: 'Check that the disk is mounted and the path is right; a new repository is made with `phonekeep init`',
  })
}

/** A new repository was asked for where one lies already. */
export function repositoryExists(location: string): RepositoryError {
  return new AppError('repo.exists', `There is a restic repository in ${location} already`, {
    remedy: 'Use it as it is, or choose an empty folder for a new one',
  })
}

/** All keys were tried. */
export function wrongPassword(location: string): RepositoryError {
  return new AppError('repo.wrong-password', `No key of the repository in ${location} opens with this password`, {
    remedy: 'Try another password; without any of its passwords nobody can read a repository',
  })
}

/** Stored bytes are not what was once written. `what` names the file or blob. */
export function damaged(what: string, saw: string, cause?: unknown): RepositoryError {
  return new AppError('repo.damaged', `${what}: ${saw}`, {
    remedy: remedyOf(what),
    cause,
  })
}

/** No check gets past a damaged config, key or lock. */
function remedyOf(what: string): string {
  if (/^config$|^keys\b/.test(what)) {
    return 'Put it back from a copy of the repository, and look after the disk: nothing opens without it'
  }
  if (what.startsWith('locks/')) {
    return 'Once nobody works on the repository any more, `phonekeep unlock --remove-all` removes it'
  }
  return 'Run `phonekeep check` to learn how far the damage goes, and look after the disk before writing more'
}

/** Of another format, or locked with another kind of key. */
export function unsupported(saw: string): RepositoryError {
  return new AppError('repo.unsupported', saw, {
    remedy: 'Use a repository of format 2, as restic 0.14 and later make it; `restic migrate` converts older ones',
  })
}

/** Somebody else's lock is in the way; `holder` says whose. */
export function repositoryLocked(holder: string): RepositoryError {
  return new AppError('repo.locked', `The repository is locked by ${holder}`, {
    remedy: 'Wait until that work is done; if it died, `phonekeep unlock` removes what it left behind',
  })
}

/** Our own lock is gone, or too old to rely on. */
export function lockLost(saw: string, cause?: unknown): RepositoryError {
  return new AppError('repo.lock-lost', saw, {
    remedy: 'Start again; what was stored is kept. Do not remove the locks of work that is still going on',
    cause,
  })
}

/** No snapshot is what the person asked for. */
export function snapshotAbsent(asked: string, host?: string): RepositoryError {
  const ofHost = host === undefined ? '' : ` of the host ${JSON.stringify(host)}`
  return new AppError('repo.snapshot-absent', `No snapshot${ofHost} matches ${JSON.stringify(asked)}`, {
    remedy: 'List the snapshots, and name one by the first digits of its id, or `latest`',
  })
}

/** The beginning of an id that several snapshots share. */
export function snapshotAmbiguous(asked: string): RepositoryError {
  return new AppError('repo.snapshot-ambiguous', `More than one snapshot begins with ${JSON.stringify(asked)}`, {
    remedy: 'Give more digits of the id',
  })
}

/** A restore would mix with what is there. */
export function targetNotEmpty(folder: string): RepositoryError {
  return new AppError('repo.target-not-empty', `${folder} is not empty`, {
    remedy: 'Restore into a new or empty folder: nothing that exists is ever overwritten',
  })
}

/** A path that a tree cannot hold, or that leads through something that is not a folder. */
export function badPath(path: readonly string[], why: string): RepositoryError {
  return new AppError('repo.bad-path', `The path ${JSON.stringify(path.join('/'))} ${why}`, {
    remedy: 'If a phone sent it, report it with this message; nothing was changed',
  })
}

/** No key, or more than one, has an id that begins so. */
export function keyUnclear(asked: string, matches: number): RepositoryError {
  const saw = matches === 0 ? 'No key has' : `${matches} keys have`
  return new AppError('repo.key-unclear', `${saw} an id that begins with ${JSON.stringify(asked)}`, {
    remedy: 'List the keys with `phonekeep key list`, and name one by as many digits as it takes',
  })
}

/** A key that must not go: the last one, or the one that this very work was opened with. */
export function keyNeeded(saw: string): RepositoryError {
  return new AppError('repo.key-needed', saw, {
    remedy:
      'Open the repository with another of its passwords to remove this one, or change it with `phonekeep key passwd`',
  })
}

/** After it a phone would have no backup at all. */
export function forgetsLast(whose: string): RepositoryError {
  return new AppError('repo.forgets-last', `No backup of ${whose} would be left`, {
    remedy:
      'Add a rule that keeps some, such as --keep-last 1; if all of them shall go, say so with --unsafe-allow-remove-all',
  })
}

/** A prune of a repository in which no snapshot is to be seen. */
export function noSnapshots(): RepositoryError {
  return new AppError('repo.no-snapshots', 'There is no snapshot, so everything that is stored would be removed', {
    remedy:
      'Check that the repository is whole and its disk mounted; if all of it shall go, say so with --unsafe-allow-remove-all',
  })
}

/** One more key, and a password might not be found any more. */
export function keysFull(keysMax: number): RepositoryError {
  return new AppError('repo.keys-full', `The repository has ${keysMax} keys already, and no program tries more`, {
    remedy: 'Remove a key that nobody uses any more with `phonekeep key remove`, then add the new one',
  })
}

/** A thread that packs blobs has ended before its time. */
export function helperDied(cause: unknown): RepositoryError {
  const saw = cause instanceof Error ? cause.message : String(cause)
  return new AppError('repo.helper-died', `A helper thread of the repository ended by itself: ${saw}`, {
    remedy: 'Start again; what was stored is kept. If it comes back, this machine may be short of memory',
    cause,
  })
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS'])
const IN_THE_WAY = new Set(['EEXIST', 'ENOTDIR'])

/** What was being done when the operating system refused. */
interface Attempt {
  readonly doing: 'write' | 'read'
  readonly what: string
}

/** Does some work; what the operating system refuses becomes an error with a remedy, anything else goes through as it is. */
export async function onStorage<Result>(attempt: Attempt, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (isSystemError(error) && error.errno !== undefined) throw storageFailed(error, attempt)
    throw error
  }
}

/** What the operating system said, in words. Codes it does not know become `repo.storage-failed`. */
export function storageFailed(error: NodeJS.ErrnoException, { doing, what }: Attempt): RepositoryError {
  const code = error.code ?? ''
  if (FULL.has(code)) {
    return new AppError('repo.no-space', `There is no room left to write ${what} (${code})`, {
      remedy: 'Free some room on that disk or raise the quota, then start again; what was stored is kept',
      cause: error,
    })
  }
  if (FORBIDDEN.has(code)) {
    return new AppError(
      doing === 'write' ? 'repo.unwritable' : 'repo.unreadable',
      `${what}: no permission to ${doing} (${code})`,
      {
        remedy: 'Give the user that runs Phonekeep the right to it, and check that the disk is not mounted read-only',
        cause: error,
      },
    )
  }
  if (IN_THE_WAY.has(code)) {
    return new AppError('repo.unwritable', `${what}: there is a file where a folder is needed (${code})`, {
      remedy: 'Name another place, or move that file away',
      cause: error,
    })
  }
  return new AppError('repo.storage-failed', `Could not ${doing} ${what}: ${error.message}`, {
    remedy: 'Check that the disk is mounted and healthy, then start again; what was stored is kept',
    cause: error,
  })
}
