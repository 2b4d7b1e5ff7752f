import { NEVER } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { isAppError, isSystemError } from '../base/errors.ts'
import { pathOf } from './backend/backend.ts'
import { damaged, lockLost, repositoryLocked } from './errors.ts'
import { goJson, goTime } from './format/go-json.ts'
import type { Id } from './format/id.ts'
import { fieldsOf, parseJson } from './format/json.ts'
import type { Repository } from './repository.ts'

/** Any number may share; exclusive bears no other. */
export type LockMode = 'shared' | 'exclusive'

/** Who holds a lock. */
export interface LockOwner {
  /** The machine's real name, so that `restic unlock` there can judge whether the process lives. */
  readonly hostname: string
  /** Names the station, not the person: `phonekeep-<station id>`. */
  readonly username: string
  readonly pid: number
}

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
/** After writing a lock, another writer's may still be on its way. */
const RACE_WAIT_MS = 200
const REFRESH_MS = 5 * MINUTE_MS
/** Between two looks at the clock: a machine that slept notices here. */
const TICK_MS = MINUTE_MS
/** restic takes locks for dead after 30 minutes; a holder that could not refresh stops well before that. */
const LOST_AFTER_MS = 22.5 * MINUTE_MS

/** A held lock. Disposing removes its file. The process ignores SIGHUP while it holds any. */
export interface RepositoryLock extends AsyncDisposable {
  /** Aborts when the caller's signal does, and with `repo.lock-lost` when the lock cannot be trusted any more. */
  readonly signal: AbortSignal
  /** Looks whether the lock is still there; call it before a snapshot is written. Throws `repo.lock-lost`. */
  verify(options: { signal: AbortSignal }): Promise<void>
}

/** How to take a lock. The signal ends the taking, and later the work under the lock. */
export interface LockOptions {
  /** Writers take a shared lock; whoever removes what others may need, an exclusive one. */
  readonly mode: LockMode
  readonly owner: LockOwner
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Takes one of restic's locks. Locks of the same station on the same machine whose process is gone are removed first; no others
 * ever are. Throws `repo.locked`. Source: docs/protocol/restic-repository.md#locks.
 */
export async function lockRepository(repository: Repository, options: LockOptions): Promise<RepositoryLock> {
  const { mode, owner, clock, signal } = options
  await removeDeadLocks(repository, owner, signal)
  await refuseConflict(repository, { mode, own: undefined, clock, signal })
  const lock = new HeldLock(repository, options)
  await lock.write(signal)
  try {
    await clock.sleep(RACE_WAIT_MS, { signal })
    await refuseConflict(repository, { mode, own: lock.id, clock, signal })
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
  lock.startRefreshing()
  return lock
}

/** A lock file's content. */
export interface LockFields {
  readonly timeMs: number
  readonly exclusive: boolean
  readonly hostname: string
  readonly username: string
  readonly pid: number
}

export function encodeLock({ timeMs, exclusive, hostname, username, pid }: LockFields): string {
  return goJson({ time: goTime(timeMs), exclusive, hostname, username, pid })
}

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
export async function* readLocks(
  repository: Repository,
  signal: AbortSignal,
): AsyncGenerator<LockFields & { readonly id: Id }> {
  for await (const { id, sizeBytes } of repository.backend.list('lock', { signal })) {
    if (sizeBytes === 0) continue
    const text = await repository.loadUnpacked('lock', id, { signal })
    if (text !== undefined) yield { id, ...decodeLock(id, text) }
  }
}

async function refuseConflict(
  repository: Repository,
  { mode, own, clock, signal }: { mode: LockMode; own: Id | undefined; clock: Clock; signal: AbortSignal },
): Promise<void> {
  for await (const lock of readLocks(repository, signal)) {
    if (lock.id === own || (mode === 'shared' && !lock.exclusive)) continue
    throw repositoryLocked(describe(lock, clock.nowMs()))
  }
}

function describe({ timeMs, exclusive, hostname, username, pid }: LockFields, nowMs: number): string {
  const minutes = Math.max(0, Math.round((nowMs - timeMs) / MINUTE_MS))
  return `process ${pid} of ${username} on ${hostname} (${exclusive ? 'exclusive' : 'shared'}, refreshed ${minutes} min ago)`
}

/** The locks that this process holds: a file with our own pid that is not among them was left by a process that had it before. */
const heldHere = new Set<Id>()

/** `restic unlock` asks whether a holder lives by sending it SIGHUP, which would end us; restic ignores it just so. */
const stayAlive = (): void => {}

function hold(id: Id): void {
  if (heldHere.size === 0) process.on('SIGHUP', stayAlive)
  heldHere.add(id)
}

function letGo(id: Id): void {
  heldHere.delete(id)
  if (heldHere.size === 0) process.off('SIGHUP', stayAlive)
}

async function removeDeadLocks(repository: Repository, owner: LockOwner, signal: AbortSignal): Promise<void> {
  for await (const lock of readLocks(repository, signal)) {
    const ours = lock.hostname === owner.hostname && lock.username === owner.username
    if (ours && !isHeld(lock)) await repository.backend.remove({ kind: 'lock', id: lock.id }, { signal })
  }
}

/** True while the process that wrote it lives; only for locks of this station on this machine. */
export function isHeld({ id, pid }: { readonly id: Id; readonly pid: number }): boolean {
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

class HeldLock implements RepositoryLock {
  readonly signal: AbortSignal
  readonly #repository: Repository
  readonly #options: LockOptions
  readonly #lost = new AbortController()
  readonly #released = new AbortController()
  #id: Id | undefined
  /** On both clocks, when the present file was written. */
  #written = { nowMs: 0, elapsedMs: 0 }
  #refreshing: Promise<void> | undefined

  constructor(repository: Repository, options: LockOptions) {
    this.#repository = repository
    this.#options = options
    this.signal = AbortSignal.any([options.signal, this.#lost.signal])
  }

  get id(): Id | undefined {
    return this.#id
  }

  /** Writes a new file; the time it counts from is taken before, so that a slow disk makes the lock older, never younger. */
  async write(signal: AbortSignal): Promise<void> {
    const { mode, owner, clock } = this.#options
    const written = { nowMs: clock.nowMs(), elapsedMs: clock.elapsedMs() }
    const fields = { timeMs: written.nowMs, exclusive: mode === 'exclusive', ...owner }
    const { id, sealed } = this.#repository.sealUnpacked(encodeLock(fields))
    hold(id)
    try {
      await this.#repository.backend.save({ kind: 'lock', id }, [sealed], { signal })
    } catch (error) {
      letGo(id)
      throw error
    }
    this.#id = id
    this.#written = written
  }

  startRefreshing(): void {
    this.#refreshing = this.#keepFresh().catch((error: unknown) => {
      if (!this.#released.signal.aborted) this.#lost.abort(error)
    })
  }

  async #keepFresh(): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(TICK_MS, { signal: this.#released.signal })
      this.#assertFresh()
      if (this.#ageMs() < REFRESH_MS) continue
      try {
        await this.#refresh()
      } catch (error) {
        if (isAppError(error, 'repo.lock-lost')) throw error
      }
    }
  }

  /** A new file first, then the old one goes: there is no moment without a lock. */
  async #refresh(): Promise<void> {
    await this.#assertThere(NEVER)
    const old = this.#id
    await this.write(NEVER)
    if (old !== undefined) await this.#remove(old)
  }

  async verify({ signal }: { signal: AbortSignal }): Promise<void> {
    this.signal.throwIfAborted()
    try {
      this.#assertFresh()
      await this.#assertThere(signal)
    } catch (error) {
      if (isAppError(error, 'repo.lock-lost')) this.#lost.abort(error)
      throw error
    }
  }

  async #assertThere(signal: AbortSignal): Promise<void> {
    const id = this.#id
    if (id === undefined) throw lockLost('The lock was given back already')
    const file = await this.#repository.backend.load({ kind: 'lock', id }, { offset: 0, length: 1 }, { signal })
    if (file === undefined && id === this.#id) throw lockLost('Somebody removed the lock of this run')
  }

  #assertFresh(): void {
    if (this.#ageMs() < LOST_AFTER_MS) return
    throw lockLost(`The lock could not be refreshed for ${Math.round(this.#ageMs() / MINUTE_MS)} minutes`)
  }

  /** By whichever clock says more: one stands still while the machine sleeps, the other may be set back. */
  #ageMs(): number {
    const { clock } = this.#options
    return Math.max(clock.nowMs() - this.#written.nowMs, clock.elapsedMs() - this.#written.elapsedMs)
  }

  async #remove(id: Id): Promise<void> {
    await this.#repository.backend.remove({ kind: 'lock', id }, { signal: NEVER }).finally(() => letGo(id))
  }

  /** Also runs when the caller's signal has fired: that is when a lock is usually given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#released.abort()
    await this.#refreshing
    const id = this.#id
    this.#id = undefined
    if (id !== undefined) await this.#remove(id)
  }
}
