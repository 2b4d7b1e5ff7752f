import { NEVER } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { type AppError, isAppError } from '../base/errors.ts'
import type { Backend } from './backend/backend.ts'
import { guardBackend } from './backend/guarded.ts'
import { lockLost, repositoryLocked } from './errors.ts'
import type { Id } from './format/id.ts'
import {
  encodeLock,
  type LockFields,
  type LockOwner,
  readLocks,
  STATION_HOST_PREFIX,
  type StoredLock,
} from './lock-file.ts'
import { Repository } from './repository.ts'
import { askStoreTime, evidenceOf, hold, isOwnDead, isStale, letGo, removeIfAllowed } from './stale-lock.ts'

/** Any number may share; exclusive bears no other. */
export type LockMode = 'shared' | 'exclusive'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
/** After writing a lock, another writer's may still be on its way. */
const RACE_WAIT_MS = 200
const REFRESH_MS = 5 * MINUTE_MS
/** Between two looks at the clock: a machine that slept notices here. */
const TICK_MS = MINUTE_MS
/** restic takes locks for dead after 30 minutes; a holder that could not refresh stops well before that. */
const LOST_AFTER_MS = 22.5 * MINUTE_MS

/** A held lock. Disposing removes its file. */
export interface RepositoryLock extends AsyncDisposable {
  /**
   * The repository that was locked, for the work under the lock: each change looks at the clocks first, so that a machine that has
   * slept writes nothing under a lock that others may have taken for dead. Its index is to be loaded.
   */
  readonly repository: Repository
  /** Aborts when the caller's signal does, and with `repo.lock-lost` when the lock cannot be trusted any more. */
  readonly signal: AbortSignal
  /** Looks at the clocks alone: throws `repo.lock-lost` when the lock is lost, or so old that others may take it for dead. */
  assertHeld(): void
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
  /** Told when the lock's file cannot be removed at the end; without it, that is an error of its own. */
  readonly onLeft?: ((error: AppError) => void) | undefined
}

/**
 * Takes one of restic's locks. What dead processes of the same station have left on the same machine is removed first; so are locks
 * in the way of any station that nobody has refreshed for half an hour; no others ever are. Throws `repo.locked`.
 * Source: docs/protocol/restic-repository.md#locks.
 */
export async function lockRepository(repository: Repository, options: LockOptions): Promise<RepositoryLock> {
  const { clock, signal } = options
  await removeOwnDead(repository, options)
  await refuseConflict(repository, options, undefined)
  const lock = new HeldLock(repository, options)
  await lock.take(signal)
  try {
    await clock.sleep(RACE_WAIT_MS, { signal })
    await refuseConflict(repository, options, lock.id)
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
  lock.startRefreshing()
  return lock
}

async function refuseConflict(repository: Repository, options: LockOptions, own: Id | undefined): Promise<void> {
  const { mode, clock, signal } = options
  for await (const lock of readLocks(repository, signal)) {
    if (lock.id === own || (mode === 'shared' && !lock.exclusive)) continue
    if (!(await isAbandoned(repository, lock, options))) throw repositoryLocked(describe(lock, clock.nowMs()))
    await removeIfAllowed(repository, lock.id, { signal })
  }
}

/**
 * True for a lock of a station's that every clock calls stale: a station ends its work long before its lock is so old. Other
 * programs promise no such thing: their locks are left to `unlock`.
 */
async function isAbandoned(
  repository: Repository,
  lock: StoredLock,
  { owner, clock, signal }: LockOptions,
): Promise<boolean> {
  const nowMs = clock.nowMs()
  const isStations = lock.hostname.startsWith(STATION_HOST_PREFIX)
  if (!isStations || !isStale(evidenceOf(lock, { nowMs, storeNowMs: undefined }))) return false
  const isTimed = lock.modifiedMs !== undefined
  const storeNowMs = isTimed ? await askStoreTime(repository, { owner, nowMs, signal }) : undefined
  return isStale(evidenceOf(lock, { nowMs, storeNowMs }))
}

async function removeOwnDead(repository: Repository, { owner, signal }: LockOptions): Promise<void> {
  for await (const lock of readLocks(repository, signal)) {
    if (isOwnDead(lock, owner)) await removeIfAllowed(repository, lock.id, { signal })
  }
}

function describe({ timeMs, exclusive, hostname, username, pid }: LockFields, nowMs: number): string {
  const minutes = Math.max(0, Math.round((nowMs - timeMs) / MINUTE_MS))
  return `process ${pid} of ${username} on ${hostname} (${exclusive ? 'exclusive' : 'shared'}, refreshed ${minutes} min ago)`
}

class HeldLock implements RepositoryLock {
  readonly signal: AbortSignal
  readonly repository: Repository
  /** Looks at no clock: the lock's own files. */
  readonly #backend: Backend
  readonly #options: LockOptions
  readonly #lost = new AbortController()
  readonly #released = new AbortController()
  #id: Id | undefined
  /** Every file that may be there: the present one, and those of which it is not known what became of them. */
  readonly #files = new Set<Id>()
  /** On both clocks, when the present file was written. */
  #written = { nowMs: 0, elapsedMs: 0 }
  #watching: Promise<void> | undefined
  #refreshing: Promise<void> | undefined

  constructor(repository: Repository, options: LockOptions) {
    const { backend, sealer, config, keyId } = repository
    const guarded = guardBackend(backend, () => this.assertHeld())
    this.repository = new Repository(guarded, sealer, config, keyId)
    this.#backend = backend
    this.#options = options
    this.signal = AbortSignal.any([options.signal, this.#lost.signal])
  }

  get id(): Id | undefined {
    return this.#id
  }

  /** Writes the first file. */
  async take(signal: AbortSignal): Promise<void> {
    try {
      await this.#write(signal)
    } catch (error) {
      await this.#removeAll().catch(() => undefined)
      throw error
    }
  }

  /** Writes a new file; the time it counts from is taken before, so that a slow disk makes the lock older, never younger. */
  async #write(signal: AbortSignal): Promise<void> {
    const { mode, owner, clock } = this.#options
    const written = { nowMs: clock.nowMs(), elapsedMs: clock.elapsedMs() }
    const fields = { timeMs: written.nowMs, exclusive: mode === 'exclusive', ...owner }
    const { id, sealed } = this.repository.sealUnpacked(encodeLock(fields))
    hold(id)
    this.#files.add(id)
    await this.#backend.save({ kind: 'lock', id }, [sealed], { signal })
    this.#id = id
    this.#written = written
  }

  startRefreshing(): void {
    this.#watching = this.#watch().catch((error: unknown) => {
      if (!this.#released.signal.aborted) this.#lost.abort(error)
    })
  }

  /** Looks at the clock every minute, also while a refresh hangs: a store that does not answer must not hide that time is up. */
  async #watch(): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(TICK_MS, { signal: this.#released.signal })
      this.#assertFresh()
      if (this.#ageMs() < REFRESH_MS) continue
      this.#refreshing ??= this.#refresh().finally(() => {
        this.#refreshing = undefined
      })
    }
  }

  /** A new file first, then the old ones go: there is no moment without a lock. What fails is tried again a minute later. */
  async #refresh(): Promise<void> {
    const signal = AbortSignal.any([this.#released.signal, this.#lost.signal])
    try {
      await this.#assertThere(signal)
      await this.#write(signal)
      await this.#removeOthers(signal)
    } catch (error) {
      if (isAppError(error, 'repo.lock-lost') && !signal.aborted) this.#lost.abort(error)
    }
  }

  assertHeld(): void {
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason
    try {
      this.#assertFresh()
    } catch (error) {
      this.#lost.abort(error)
      throw error
    }
  }

  async verify({ signal }: { signal: AbortSignal }): Promise<void> {
    this.signal.throwIfAborted()
    this.assertHeld()
    try {
      await this.#assertThere(signal)
    } catch (error) {
      if (isAppError(error, 'repo.lock-lost')) this.#lost.abort(error)
      throw error
    }
    this.assertHeld()
  }

  async #assertThere(signal: AbortSignal): Promise<void> {
    const id = this.#id
    if (id === undefined) throw lockLost('The lock was given back already')
    const file = await this.#backend.load({ kind: 'lock', id }, { offset: 0, length: 1 }, { signal })
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

  async #removeOthers(signal: AbortSignal): Promise<void> {
    for (const id of this.#files) if (id !== this.#id) await this.#remove(id, signal)
  }

  /** Tries every file, and throws what went wrong first. */
  async #removeAll(): Promise<void> {
    const results = await Promise.allSettled(Array.from(this.#files, (id) => this.#remove(id, NEVER)))
    for (const id of this.#files) letGo(id)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async #remove(id: Id, signal: AbortSignal): Promise<void> {
    await this.#backend.remove({ kind: 'lock', id }, { signal })
    this.#files.delete(id)
    letGo(id)
  }

  /** Also runs when the caller's signal has fired: that is when a lock is usually given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#released.abort()
    await this.#watching
    await this.#refreshing
    this.#id = undefined
    try {
      await this.#removeAll()
    } catch (error) {
      if (!isAppError(error) || this.#options.onLeft === undefined) throw error
      this.#options.onLeft(error)
    }
  }
}
