import { pathOf } from './backend/backend.ts'
import { damaged } from './errors.ts'
import { goJson, goTime } from './format/go-json.ts'
import type { Id } from './format/id.ts'
import { fieldsOf, parseJson } from './format/json.ts'
import type { Repository } from './repository.ts'

/** Who holds a lock. */
export interface LockOwner {
  /** The station and the machine that it runs on; no machine is called so. Begins with `STATION_HOST_PREFIX`. */
  readonly hostname: string
  /** The start of that machine: whatever an earlier one has left is dead. */
  readonly username: string
  readonly pid: number
  /** When that was, by this machine's clock now; undefined where the system does not say. It is not written down. */
  readonly startedMs?: number | undefined
}

/** How the host name in the lock of any station begins. */
export const STATION_HOST_PREFIX = 'phonekeep-'

/** A lock file's content. */
export interface LockFields {
  readonly timeMs: number
  readonly exclusive: boolean
  readonly hostname: string
  readonly username: string
  readonly pid: number
}

/** A lock that was found in a repository. */
export interface StoredLock extends LockFields {
  readonly id: Id
  /** When it was written by the clock of the store; undefined where the store does not say. */
  readonly modifiedMs: number | undefined
}

export function encodeLock({ timeMs, exclusive, hostname, username, pid }: LockFields): string {
  return goJson({ time: goTime(timeMs), exclusive, hostname, username, pid })
}

/** Throws `repo.damaged`. */
export function decodeLock(id: Id, text: string): LockFields {
  const what = pathOf({ kind: 'lock', id })
  const fields = fieldsOf(parseJson(text, what), what)
  const timeMs = Date.parse(fields.text('time'))
  if (Number.isNaN(timeMs)) throw damaged(what, 'its time is no time')
  return {
    timeMs,
    exclusive: fields.raw('exclusive') === true,
    hostname: fields.text('hostname'),
    username: fields.text('username'),
    pid: fields.count('pid'),
  }
}

/** Locks come and go while they are listed: one that is gone, or still empty, is none. */
export async function* readLocks(repository: Repository, signal: AbortSignal): AsyncGenerator<StoredLock> {
  for await (const { id, sizeBytes, modifiedMs } of repository.backend.list('lock', { signal })) {
    if (sizeBytes === 0) continue
    const text = await repository.loadUnpacked('lock', id, { signal })
    if (text !== undefined) yield { id, modifiedMs, ...decodeLock(id, text) }
  }
}
