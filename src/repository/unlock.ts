import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { StoredFileInfo } from './backend/backend.ts'
import type { Id } from './format/id.ts'
import { decodeLock, encodeLock, isHeld, type LockFields, type LockOwner } from './lock.ts'
import type { Repository } from './repository.ts'

/** A lock that was found; `fields` is undefined when its file cannot be read. */
export interface FoundLock {
  readonly id: Id
  readonly fields: LockFields | undefined
}

/** What became of the locks. */
export interface UnlockReport {
  readonly removed: readonly FoundLock[]
  /** Whoever holds these is at work, as far as anybody can tell. */
  readonly left: readonly FoundLock[]
}

/** What there is to judge a lock by. */
export interface LockEvidence {
  /** How long ago it was written, by the clock of who wrote it and ours. */
  readonly ageMs: number
  /** The same by the clock of the store alone; undefined where it does not say. */
  readonly storeAgeMs: number | undefined
  /** Undefined when it was not this station on this machine that wrote it: then nobody here can know. */
  readonly isProcessAlive: boolean | undefined
}

/** restic's limit. A holder writes its lock anew every 5 minutes, and stops its work after 22.5 without. */
const STALE_AGE_MS = 30 * 60 * 1000

/**
 * True when nobody can be working under this lock any more. Its age must be too high by every clock that there is: one clock alone, ours
 * or the writer's, may be wrong. That a process is gone counts only for this very station: other containers may have our host name.
 */
export function isStale({ ageMs, storeAgeMs, isProcessAlive }: LockEvidence): boolean {
  if (isProcessAlive === false) return true
  return ageMs > STALE_AGE_MS && (storeAgeMs === undefined || storeAgeMs > STALE_AGE_MS)
}

/** Removes the locks that dead work has left behind; with `all` every lock, also one that cannot be read. Takes no lock itself. */
export async function unlock(
  repository: Repository,
  { all, owner, clock, signal }: { all: boolean; owner: LockOwner; clock: Clock; signal: AbortSignal },
): Promise<UnlockReport> {
  const files = await Array.fromAsync(repository.backend.list('lock', { signal }))
  const storeNowMs = all || files.length === 0 ? undefined : await askStoreTime(repository, { owner, clock, signal })
  const removed: FoundLock[] = []
  const left: FoundLock[] = []
  for (const file of files) {
    const lock = await readLock(repository, file.id, signal)
    if (lock === undefined) continue
    const evidence = lock.fields && evidenceOf(file, lock.fields, { owner, nowMs: clock.nowMs(), storeNowMs })
    if (all || (evidence !== undefined && isStale(evidence))) {
      await repository.backend.remove({ kind: 'lock', id: file.id }, { signal })
      removed.push(lock)
    } else {
      left.push(lock)
    }
  }
  return { removed, left }
}

/** What time it is where the files lie: that of a file written just now, a shared lock, which is removed again. */
async function askStoreTime(
  repository: Repository,
  { owner, clock, signal }: { owner: LockOwner; clock: Clock; signal: AbortSignal },
): Promise<number | undefined> {
  const { id, sealed } = repository.sealUnpacked(encodeLock({ timeMs: clock.nowMs(), exclusive: false, ...owner }))
  await repository.backend.save({ kind: 'lock', id }, [sealed], { signal })
  try {
    for await (const file of repository.backend.list('lock', { signal })) if (file.id === id) return file.modifiedMs
    return undefined
  } finally {
    await repository.backend.remove({ kind: 'lock', id }, { signal })
  }
}

/** Undefined when it is gone by now. */
async function readLock(repository: Repository, id: Id, signal: AbortSignal): Promise<FoundLock | undefined> {
  try {
    const text = await repository.loadUnpacked('lock', id, { signal })
    return text === undefined ? undefined : { id, fields: decodeLock(id, text) }
  } catch (error) {
    if (!isAppError(error, 'repo.damaged')) throw error
    return { id, fields: undefined }
  }
}

function evidenceOf(
  { id, modifiedMs }: StoredFileInfo,
  { timeMs, hostname, username, pid }: LockFields,
  { owner, nowMs, storeNowMs }: { owner: LockOwner; nowMs: number; storeNowMs: number | undefined },
): LockEvidence {
  const isOurs = hostname === owner.hostname && username === owner.username
  return {
    ageMs: nowMs - timeMs,
    storeAgeMs: modifiedMs === undefined || storeNowMs === undefined ? undefined : storeNowMs - modifiedMs,
    isProcessAlive: isOurs ? isHeld({ id, pid }) : undefined,
  }
}
