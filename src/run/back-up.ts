import { parseStatus } from '../backup-set/index.ts'
import { NEVER } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import type { AppError } from '../base/errors.ts'
import {
  type BackupEvent,
  type BackupOutcome,
  backupError,
  openBackupSession,
  type Phone,
  type PhoneIdentity,
  prepareBackup,
  runBackup,
  whileAwake,
} from '../device/index.ts'
import {
  type CowTree,
  type Id,
  type LockOwner,
  lockRepository,
  openTree,
  openWriter,
  type ReadBackReport,
  type Repository,
  type RepositoryLock,
  type RepositoryWriter,
  readBack,
  type Snapshot,
  saveSnapshot,
  type VerifiedPacks,
  type WriterOptions,
} from '../repository/index.ts'
import { roomFor } from './allowance.ts'
import { compareTrees, totalsOf } from './compare-trees.ts'
import { cancelledOnPhone, unfinished } from './errors.ts'
import { type IncompleteSnapshot, openIncompleteSnapshot } from './incomplete-snapshot.ts'
import { openResumeStore, type ResumeStore } from './resume-store.ts'
import { incompleteFieldsOf, type RunTree, snapshotFieldsOf } from './snapshot-fields.ts'
import { openSnapshotHost } from './snapshot-host.ts'
import { findStartingPoint, type SnapshotGroup, type StartingPoint, snapshotGroupOf } from './starting-point.ts'

/** What a run tells while it goes on: what the phone does, and what we do. */
export type RunEvent =
  | BackupEvent
  | { readonly kind: 'started'; readonly parent: Snapshot | undefined; readonly resumes: boolean }
  /** Packs that an interrupted run left were taken over; `refused` ones did not verify and were left alone. */
  | { readonly kind: 'adopted'; readonly packs: number; readonly blobs: number; readonly refused: number }
  /** A snapshot or an index file is damaged: the run builds on others, and stores anew what is lost. */
  | { readonly kind: 'snapshot-damaged'; readonly error: AppError }
  | { readonly kind: 'received'; readonly bytes: number }
  | { readonly kind: 'saving' }
  | { readonly kind: 'reading-back' }
  /** A lock, or what an interrupted run had left, cannot be removed from the store; the run goes on. */
  | { readonly kind: 'left-behind'; readonly error: AppError }

export interface BackUpOptions {
  readonly phone: Phone
  readonly identity: PhoneIdentity
  readonly repository: Repository
  readonly owner: LockOwner
  readonly clock: Clock
  /** Where checkpoints of interrupted runs are remembered. */
  readonly resumeFolder: string
  /** Most bytes the repository may take; only the disk limits it when this is undefined. */
  readonly allowanceBytes: number | undefined
  /** How much of what is stored is read back at the end, and where it is noted; nothing when this is undefined. */
  readonly readBack?: { readonly bytesMax: number; readonly verified: VerifiedPacks } | undefined
  /** How it is stored: the writer's own choices unless given. */
  readonly writing?: Pick<WriterOptions, 'verify' | 'limits'> | undefined
  readonly onEvent: (event: RunEvent) => void
  readonly signal: AbortSignal
}

export interface RunResult {
  readonly snapshot: Snapshot
  /** Of the whole snapshot. */
  readonly files: number
  readonly bytes: number
  /** What the phone sent in this run, its own bookkeeping included. */
  readonly sentBytes: number
  /** What the repository grew by. */
  readonly storedBytes: number
  readonly elapsedMs: number
  /** What was read back. A snapshot with damage in it must not be called a success. Undefined when nothing was wanted. */
  readonly readBack: ReadBackReport | undefined
}

/** After this much a checkpoint is made even if the phone reaches no commit point of its own. */
const CHECKPOINT_BYTES = 2 * 2 ** 30

/** A run visits the folders one after the other: a folder of a phone with a million files has about 1.5 MB. */
const TREE_CACHE_BYTES = 8 * 2 ** 20

/**
 * One run: the phone's messages in, one snapshot out. Ends with a snapshot or with an error that says why; an interrupted run
 * leaves no snapshot, and the next one goes on from its last checkpoint.
 */
export async function backUp(options: BackUpOptions): Promise<RunResult> {
  const { owner, clock, signal } = options
  signal.throwIfAborted()
  const onLeft = (error: AppError) => options.onEvent({ kind: 'left-behind', error })
  // The lock and the writer outlive an abort by the person, so that what has arrived can still be put in order.
  await using lock = await lockRepository(options.repository, { mode: 'shared', owner, clock, signal: NEVER, onLeft })
  const { repository } = lock
  await repository.loadIndex({ signal, onDamaged: (error) => options.onEvent({ kind: 'snapshot-damaged', error }) })
  await using writer = openWriter(repository, { ...options.writing, clock, signal: lock.signal })
  const run = new Run({ ...options, repository }, lock, writer)
  return await run.perform(AbortSignal.any([signal, lock.signal, run.cancelled]))
}

class Run {
  readonly #options: BackUpOptions
  readonly #lock: RepositoryLock
  readonly #writer: RepositoryWriter
  readonly #group: SnapshotGroup
  readonly #resume: ResumeStore
  readonly #startedMs: number
  readonly #startedElapsedMs: number
  readonly #cancel = new AbortController()
  #sentBytes = 0
  #hasCheckpoint = false
  #incomplete: IncompleteSnapshot | undefined

  constructor(options: BackUpOptions, lock: RepositoryLock, writer: RepositoryWriter) {
    const { phone, identity, repository, clock, resumeFolder } = options
    this.#options = options
    this.#lock = lock
    this.#writer = writer
    this.#group = snapshotGroupOf({ udid: phone.udid, model: identity.model })
    this.#resume = openResumeStore(resumeFolder, { repositoryId: repository.id, udid: phone.udid })
    this.#startedMs = clock.nowMs()
    this.#startedElapsedMs = clock.elapsedMs()
  }

  /** Fires when the person cancels on the phone. */
  get cancelled(): AbortSignal {
    return this.#cancel.signal
  }

  async perform(signal: AbortSignal): Promise<RunResult> {
    await this.#adoptOrphans(signal)
    const packsBefore = new Set(this.#options.repository.index.packIds())
    const start = await this.#findStart(signal)
    const tree = openTree(this.#writer, start.tree, { cacheBytes: TREE_CACHE_BYTES })
    const outcome = await this.#receive(tree, start, signal)
    if (outcome.outcome === 'refused') await this.#endRefused(outcome, start)
    const result = await this.#save(tree, start, signal)
    return { ...result, readBack: await this.#readBack(packsBefore, signal) }
  }

  async #adoptOrphans(signal: AbortSignal): Promise<void> {
    const { packs, blobs, refused } = await this.#writer.adoptOrphanPacks({ signal })
    if (packs + refused.length === 0) return
    this.#options.onEvent({ kind: 'adopted', packs, blobs, refused: refused.length })
  }

  async #findStart(signal: AbortSignal): Promise<StartingPoint> {
    const { repository, onEvent } = this.#options
    const onDamaged = (error: AppError) => onEvent({ kind: 'snapshot-damaged', error })
    const start = await findStartingPoint(repository, { group: this.#group, resume: this.#resume, onDamaged, signal })
    const onLeft = (error: AppError) => onEvent({ kind: 'left-behind', error })
    this.#incomplete = openIncompleteSnapshot(repository, { left: start.incomplete, onLeft })
    onEvent({ kind: 'started', parent: start.parent, resumes: start.resumes })
    return start
  }

  /** Lets the phone write its backup into the tree. */
  async #receive(tree: CowTree, start: StartingPoint, signal: AbortSignal): Promise<BackupOutcome> {
    try {
      return await this.#serve(tree, start, signal)
    } catch (error) {
      await this.#rescue(tree, start)
      throw error
    }
  }

  async #serve(tree: CowTree, start: StartingPoint, signal: AbortSignal): Promise<BackupOutcome> {
    const { phone, identity, repository, allowanceBytes } = this.#options
    const { udid } = phone
    const onEvent = (event: BackupEvent) => this.#observe(event)
    const host = openSnapshotHost({
      udid,
      tree,
      writer: this.#writer,
      startedMs: this.#startedMs,
      freeBytes: ({ signal }) => roomFor(repository, { allowanceBytes, signal }),
      checkpoint: ({ signal }) => this.#checkpoint(tree, start, signal),
      checkpointBytes: CHECKPOINT_BYTES,
      onReceived: (bytes) => this.#countReceived(bytes),
    })
    return await whileAwake(phone, { signal }, async (signal) => {
      await using session = await openBackupSession(phone, { signal })
      await using preparation = await prepareBackup(phone, { onEvent, signal })
      await this.#putInfo(tree, preparation.infoPlist, signal)
      return await runBackup(session, { udid, ios: identity.ios, host, onEvent, signal })
    })
  }

  /**
   * A phone that ends a backup by itself forgets what it has sent, so going on from the checkpoint would gain nothing, and might
   * repeat the failure. One that ended before it sent anything (no passcode, say) still remembers an earlier run.
   */
  async #endRefused(
    refusal: BackupOutcome & { readonly outcome: 'refused' },
    { parent }: StartingPoint,
  ): Promise<never> {
    if (this.#hasCheckpoint || refusal.code === INCONSISTENT) {
      await this.#resume.write({ tree: undefined, baseSnapshot: parent?.id })
      await this.#incomplete?.remove({ signal: this.#lock.signal })
    }
    throw backupError(refusal)
  }

  #countReceived(bytes: number): void {
    this.#sentBytes += bytes
    this.#options.onEvent({ kind: 'received', bytes })
  }

  #observe(event: BackupEvent): void {
    this.#options.onEvent(event)
    if (event.kind === 'cancel-asked') this.#cancel.abort(cancelledOnPhone())
  }

  /** `Info.plist` is the host's own part of a backup. */
  async #putInfo(tree: CowTree, infoPlist: Uint8Array, signal: AbortSignal): Promise<void> {
    const file = this.#writer.openFile()
    await file.write(infoPlist)
    const { content, sizeBytes } = await file.finish()
    const path = [this.#options.phone.udid, 'Info.plist']
    await tree.putFile(path, { content, sizeBytes, modifiedMs: this.#startedMs }, { signal })
  }

  async #checkpoint(tree: CowTree, start: StartingPoint, signal: AbortSignal): Promise<void> {
    const id = await tree.commit({ signal })
    await this.#writer.flush({ signal })
    await this.#lock.verify({ signal })
    await this.#incomplete?.replace(incompleteFieldsOf(this.#describe(id, start)), { signal })
    await this.#resume.write({ tree: id, baseSnapshot: start.parent?.id })
    this.#hasCheckpoint = true
  }

  /** One more checkpoint after a failure, so that the next run goes on from where this one stopped; if it can be made. */
  async #rescue(tree: CowTree, start: StartingPoint): Promise<void> {
    if (!this.#hasCheckpoint) return
    try {
      await this.#checkpoint(tree, start, this.#lock.signal)
    } catch {
      // The checkpoint before this one still stands, and the failure that brought us here is the one to report.
    }
  }

  #describe(tree: Id, { parent }: StartingPoint): RunTree {
    const { identity, owner } = this.#options
    return { tree, parent, group: this.#group, identity, owner, startedMs: this.#startedMs }
  }

  async #save(tree: CowTree, start: StartingPoint, signal: AbortSignal): Promise<Omit<RunResult, 'readBack'>> {
    const { repository, clock, onEvent } = this.#options
    onEvent({ kind: 'saving' })
    await this.#assertFinished(tree, signal)
    const treeId = await tree.commit({ signal })
    await this.#writer.flush({ signal })
    const stored = (id: Id) => openTree(repository, id, { cacheBytes: TREE_CACHE_BYTES })
    const before = start.parent && { tree: stored(start.parent.tree), totals: totalsOf(start.parent) }
    const comparison = await compareTrees(stored(treeId), before, { signal })
    const fields = snapshotFieldsOf({
      ...this.#describe(treeId, start),
      endedMs: clock.nowMs(),
      comparison,
      stats: this.#writer.stats,
    })
    await this.#lock.verify({ signal })
    const snapshot = await saveSnapshot(repository, fields, { signal })
    await this.#incomplete?.remove({ signal: this.#lock.signal })
    await this.#resume.remove()
    return {
      snapshot,
      files: comparison.totalFiles,
      bytes: comparison.totalBytes,
      sentBytes: this.#sentBytes,
      storedBytes: this.#writer.stats.storedBytes,
      elapsedMs: clock.elapsedMs() - this.#startedElapsedMs,
    }
  }

  /** An abort ends the reading and nothing else: the snapshot is made. */
  async #readBack(packsBefore: ReadonlySet<Id>, signal: AbortSignal): Promise<ReadBackReport | undefined> {
    const { repository, clock, onEvent, readBack: wanted } = this.#options
    if (wanted === undefined) return undefined
    onEvent({ kind: 'reading-back' })
    const written = new Set(repository.index.packIds()).difference(packsBefore)
    return await readBack(repository, written, { ...wanted, clock, signal })
  }

  /** The phone's last word, said in this run, must be that its backup is finished; otherwise no tool would restore it. */
  async #assertFinished(tree: CowTree, signal: AbortSignal): Promise<void> {
    const path = [this.#options.phone.udid, 'Status.plist']
    const entry = await tree.stat(path, { signal })
    if (entry?.kind !== 'file' || entry.sizeBytes > STATUS_BYTES_MAX || entry.modifiedMs !== this.#startedMs) {
      throw unfinished('The phone said success but sent no proper Status.plist')
    }
    const bytes = Buffer.concat(await Array.fromAsync(tree.readFile(path, { signal })))
    const { snapshotState } = parseStatus(bytes)
    if (snapshotState !== 'finished') throw unfinished(`The phone said success in the state "${snapshotState}"`)
  }
}

/** MBErrorDomain 205: the phone finds the backup inconsistent. Source: docs/protocol/mobilebackup2.md. */
const INCONSISTENT = 205

/** Real ones have about 190 bytes. */
const STATUS_BYTES_MAX = 64 * 1024
