import { NEVER } from '../base/abort.ts'
import { isAppError, isSystemError } from '../base/errors.ts'
import type { Id } from './format/id.ts'
import { encodeLock, type LockOwner, type StoredLock } from './lock-file.ts'
import type { Repository } from './repository.ts'

/** What there is to judge a lock by. */
export interface LockEvidence {
  /** How long ago it was written, by the clock of who wrote it and ours. */
  readonly ageMs: number
  /** The same by the clock of the store alone; undefined where it does not say. */
  readonly storeAgeMs: number | undefined
}

/** restic's limit. A holder writes its lock anew every 5 minutes, and stops its work after 22.5 without. */
const STALE_AGE_MS = 30 * 60 * 1000

/**
 * True when nobody can be working under this lock any more. Its age must be too high by every clock that there is: one clock
 * alone, ours or the writer's, may be wrong.
 */
export function isStale({ ageMs, storeAgeMs }: LockEvidence): boolean {
  return ageMs > STALE_AGE_MS && (storeAgeMs === undefined || storeAgeMs > STALE_AGE_MS)
}

/**
 * True for a lock of this very station, on this very machine, whose process is gone: since it was written, or with an earlier
 * start of the machine. Of any other lock nobody here can know, whatever its process number; nor of one that says another start,
 * but was written since ours: that is a copy of this machine, at work.
 */
export function isOwnDead(lock: StoredLock, owner: LockOwner): boolean {
  if (lock.hostname !== owner.hostname) return false
  if (lock.username === owner.username) return !isHeld(lock)
  return owner.startedMs !== undefined && lock.timeMs < owner.startedMs
}

/** The locks that this process holds: a file with our own pid that is not among them was left by a process that had it before. */
const heldHere = new Set<Id>()

/** From now on this process holds that lock. */
export function hold(id: Id): void {
  heldHere.add(id)
}

/** It does not hold it any more. */
export function letGo(id: Id): void {
  heldHere.delete(id)
}

function isHeld({ id, pid }: StoredLock): boolean {
  return pid === process.pid ? heldHere.has(id) : isAlive(pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isSystemError(error, 'ESRCH')
  }
}

/** How old a lock is by each clock; `storeNowMs` is what `askStoreTime` said. */
export function evidenceOf(
  { timeMs, modifiedMs }: StoredLock,
  { nowMs, storeNowMs }: { readonly nowMs: number; readonly storeNowMs: number | undefined },
): LockEvidence {
  const storeAgeMs = modifiedMs === undefined || storeNowMs === undefined ? undefined : storeNowMs - modifiedMs
  return { ageMs: nowMs - timeMs, storeAgeMs }
}

/**
 * What time it is where the files lie: that of a file written just now, a shared lock, which is removed again; undefined where the
 * store gives files no time.
 */
export async function askStoreTime(
  repository: Repository,
  { owner, nowMs, signal }: { owner: LockOwner; nowMs: number; signal: AbortSignal },
): Promise<number | undefined> {
  const { id, sealed } = repository.sealUnpacked(encodeLock({ timeMs: nowMs, exclusive: false, ...owner }))
  hold(id)
  try {
    await repository.backend.save({ kind: 'lock', id }, [sealed], { signal })
    for await (const file of repository.backend.list('lock', { signal })) if (file.id === id) return file.modifiedMs
    return undefined
  } finally {
    await removeIfAllowed(repository, id, { signal: NEVER }).finally(() => letGo(id))
  }
}

/** Removes a lock that nobody needs any more. Where nothing may be removed it stays, in nobody's way who knows that. */
export async function removeIfAllowed(
  repository: Repository,
  id: Id,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  try {
    await repository.backend.remove({ kind: 'lock', id }, { signal })
  } catch (error) {
    if (!isAppError(error)) throw error
  }
}
