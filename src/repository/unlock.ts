import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { StoredFileInfo } from './backend/backend.ts'
import type { Id } from './format/id.ts'
import { decodeLock, type LockFields, type LockOwner } from './lock-file.ts'
import type { Repository } from './repository.ts'
import { askStoreTime, evidenceOf, isOwnDead, isStale } from './stale-lock.ts'

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

/** Removes the locks that dead work has left behind; with `all` every lock, also one that cannot be read. Takes no lock itself. */
export async function unlock(
  repository: Repository,
  { all, owner, clock, signal }: { all: boolean; owner: LockOwner; clock: Clock; signal: AbortSignal },
): Promise<UnlockReport> {
  const files = await Array.fromAsync(repository.backend.list('lock', { signal }))
  const nowMs = clock.nowMs()
  const needsTime = !all && files.some(({ modifiedMs }) => modifiedMs !== undefined)
  const storeNowMs = needsTime ? await askStoreTime(repository, { owner, nowMs, signal }) : undefined
  const removed: FoundLock[] = []
  const left: FoundLock[] = []
  for (const file of files) {
    const lock = await readLock(repository, file.id, signal)
    if (lock === undefined) continue
    if (all || isDead(file, lock, { owner, nowMs, storeNowMs })) {
      await repository.backend.remove({ kind: 'lock', id: file.id }, { signal })
      removed.push(lock)
    } else {
      left.push(lock)
    }
  }
  return { removed, left }
}

function isDead(
  { modifiedMs }: StoredFileInfo,
  { id, fields }: FoundLock,
  { owner, ...times }: { owner: LockOwner; nowMs: number; storeNowMs: number | undefined },
): boolean {
  if (fields === undefined) return false
  const lock = { id, modifiedMs, ...fields }
  return isOwnDead(lock, owner) || isStale(evidenceOf(lock, times))
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
