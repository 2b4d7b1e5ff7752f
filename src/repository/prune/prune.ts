import assert from 'node:assert/strict'
import { forEachAtOnce } from '../../base/at-once.ts'
import type { StoredFileInfo } from '../backend/backend.ts'
import { damaged, noSnapshots } from '../errors.ts'
import type { Id } from '../format/id.ts'
import type { BlobIndex, BlobLocation } from '../indexes/blob-index.ts'
import { BlobMarks } from '../indexes/blob-marks.ts'
import { rewriteIndex } from '../indexes/index-rewrite.ts'
import type { RepositoryLock } from '../lock.ts'
import { readBlobs } from '../packs/blob-reader.ts'
import { Repository } from '../repository.ts'
import { listSnapshots } from '../snapshots/snapshot.ts'
import { markUsedBlobs } from '../trees/used-blobs.ts'
import { measurePacks, type PackUse, type PackUses } from './pack-use.ts'
import { type PruneLimits, type PrunePlan, planPrune } from './prune-plan.ts'
import { repackBlobs } from './repack.ts'

/** How far a prune is. */
export interface PruneProgress {
  readonly doing: 'reading trees' | 'repacking' | 'removing packs'
  /** Trees, bytes or packs. */
  readonly done: number
  /** Undefined while nobody can tell. */
  readonly total: number | undefined
}

interface ProgressOption {
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined
}

interface PrepareOptions extends ProgressOption {
  readonly limits: PruneLimits
  /** Snapshots to be taken for gone: only to learn what would happen. */
  readonly without?: ReadonlySet<Id> | undefined
  /** Without any snapshot everything goes; only if that is meant. */
  readonly allowRemoveAll?: boolean
  readonly signal: AbortSignal
}

/** What was looked at, and what is to be done about it. Good while the lock is held under which it was made. */
export interface PreparedPrune {
  /** True when snapshots were taken for gone that are there: such a plan is only to be looked at. */
  readonly isHypothetical: boolean
  readonly repository: Repository
  readonly plan: PrunePlan
  readonly used: BlobMarks
  readonly uses: PackUses
}

/**
 * Looks at everything and decides; changes nothing. Hold an exclusive lock meanwhile. Throws `repo.damaged` when a snapshot, an
 * index or a tree cannot be read, or when something that is needed is missing: as long as one need is unknown nothing may go.
 * Throws `repo.no-snapshots` when there are none, which is more often a folder that is not mounted than a wish.
 * Works with an index of its own, of nothing but what is stored. Memory: that index, a bit for each blob, 200 bytes for each pack.
 */
export async function preparePrune(
  given: Repository,
  { limits, without, allowRemoveAll = false, signal, onProgress }: PrepareOptions,
): Promise<PreparedPrune> {
  // Snapshots first: whatever they need was in an index before they were.
  const snapshots = await listSnapshots(given, { signal })
  const repository = await loadBeside(given, signal)
  const used = new BlobMarks(repository.index)
  let trees = 0
  const onTree = () => onProgress?.({ doing: 'reading trees', done: ++trees, total: undefined })
  const roots = snapshots.filter(({ id }) => !without?.has(id)).map(({ tree }) => tree)
  await markUsedBlobs(repository, used, roots, { signal, onTree })
  const stored = await Array.fromAsync(repository.backend.list('pack', { signal }))
  if (snapshots.length === 0 && stored.length > 0 && !allowRemoveAll) throw noSnapshots()
  const uses = await chooseGoodCopies(repository, used, stored, signal)
  const orphans = stored.filter((pack) => isOrphan(repository, pack))
  const isHypothetical = roots.length < snapshots.length
  return { isHypothetical, repository, plan: planPrune(uses.packs, { orphans, limits }), used, uses }
}

/** The same repository with its index as it is stored now. */
async function loadBeside({ backend, sealer, config }: Repository, signal: AbortSignal): Promise<Repository> {
  const beside = new Repository(backend, sealer, config)
  await beside.loadIndex({ signal })
  return beside
}

/** Of a blob with several copies the one that stays is read before: the others might be the only good ones. */
async function chooseGoodCopies(
  repository: Repository,
  used: BlobMarks,
  stored: readonly StoredFileInfo[],
  signal: AbortSignal,
): Promise<PackUses> {
  const sizes = new Map(stored.map(({ id, sizeBytes }) => [id, sizeBytes]))
  const bad = new Set<string>()
  const nameOf = ({ packId, offset }: BlobLocation) => `${packId} ${offset}`
  for (;;) {
    const isGood = (copy: BlobLocation) => !bad.has(nameOf(copy))
    const uses = measurePacks(repository.index, used, { stored: sizes, isGood })
    const badBefore = bad.size
    for await (const { wanted, blob } of readBlobs(repository, uses.keptOfSeveral(), { signal })) {
      if (blob !== wanted) bad.add(nameOf(wanted))
    }
    if (bad.size === badBefore) return uses
  }
}

/** What another program has marked for deletion is its own to remove: it may still change its mind. */
function isOrphan({ index, packsToDelete }: Repository, { id }: StoredFileInfo): boolean {
  return !index.hasPack(id) && !packsToDelete.has(id)
}

/**
 * Does what was planned, under the same lock. It can end at any point, by a failure or with the process: every snapshot stays
 * whole, and another prune does the rest. Whoever has loaded an index before must load it again.
 */
export async function performPrune(
  prepared: PreparedPrune,
  { lock, signal, onProgress }: { lock: RepositoryLock; signal: AbortSignal } & ProgressOption,
): Promise<void> {
  assert(!prepared.isHypothetical, 'A prune is performed for the snapshots that there are')
  const until = AbortSignal.any([signal, lock.signal])
  await new Prune(prepared, { lock, signal: until, onProgress }).perform()
}

/** So much is repacked before the old packs go: the most room that a prune takes for itself. */
const ROUND_BYTES = 1024 ** 3
const REMOVALS_AT_ONCE = 8

/** Packs that go; what is needed of the second sort moves first. */
interface Round {
  readonly remove: readonly Id[]
  readonly repack: readonly Id[]
}

/** What needs no room comes first, so that it makes some. There is always a round, as the index may want to be tidied. */
function* roundsOf(plan: PrunePlan, unusable: readonly Id[]): Generator<Round> {
  yield { remove: [...plan.remove.map(({ id }) => id), ...unusable], repack: [] }
  let repack: Id[] = []
  let bytes = 0
  for (const { id, usedBytes } of plan.repack) {
    repack.push(id)
    bytes += usedBytes
    if (bytes < ROUND_BYTES) continue
    yield { remove: [], repack }
    repack = []
    bytes = 0
  }
  if (repack.length > 0) yield { remove: [], repack }
}

class Prune {
  /** With the index that everything was decided by. */
  readonly #repository: Repository
  readonly #plan: PrunePlan
  readonly #used: BlobMarks
  readonly #uses: PackUses
  readonly #lock: RepositoryLock
  readonly #signal: AbortSignal
  readonly #onProgress: ProgressOption['onProgress']
  #repackedBytes = 0
  #removedPacks = 0

  constructor(
    { repository, plan, used, uses }: PreparedPrune,
    { lock, signal, onProgress }: { lock: RepositoryLock; signal: AbortSignal } & ProgressOption,
  ) {
    this.#repository = repository
    this.#plan = plan
    this.#used = used
    this.#uses = uses
    this.#lock = lock
    this.#signal = signal
    this.#onProgress = onProgress
  }

  async perform(): Promise<void> {
    await this.#removePacks(this.#plan.orphans.map(({ id }) => id))
    let renewed = this.#repository
    for (const round of roundsOf(this.#plan, this.#uses.unusable)) renewed = await this.#performRound(round)
    await this.#provePacks(renewed)
  }

  /** New packs, then the index that lists them, then the old index goes, then the old packs: each step is durable before the next. */
  async #performRound({ remove, repack }: Round): Promise<Repository> {
    const added = await repackBlobs(this.#repository, this.#keptIn(new Set(repack)), {
      signal: this.#signal,
      onBlob: (blob) => this.#countRepacked(blob),
    })
    const gone = new Set([...remove, ...repack])
    const replaced = await rewriteIndex(this.#repository, { gone, added }, { signal: this.#signal })
    if (replaced.length === 0) return this.#repository
    await this.#verifyLock()
    for (const id of replaced) await this.#repository.backend.remove({ kind: 'index', id }, { signal: this.#signal })
    const renewed = await loadBeside(this.#repository, this.#signal)
    this.#proveIndex(renewed.index, gone)
    await this.#removePacks([...gone])
    return renewed
  }

  *#keptIn(packs: ReadonlySet<Id>): Generator<BlobLocation> {
    if (packs.size === 0) return
    for (const blob of this.#repository.index.blobs()) if (packs.has(blob.packId) && this.#uses.isKept(blob)) yield blob
  }

  /** Before anything is removed for good: what is needed must be listed, and what goes must not. */
  #proveIndex(renewed: BlobIndex, gone: ReadonlySet<Id>): void {
    for (const { type, id } of this.#repository.index.blobs()) {
      if (this.#used.has(type, id) && !renewed.has(type, id)) throw unexpected(`does not list the ${type} blob ${id}`)
    }
    for (const id of gone) if (renewed.hasPack(id)) throw unexpected(`still lists the pack ${id}`)
  }

  /** At the end: everything that is listed must be there. */
  async #provePacks({ index }: Repository): Promise<void> {
    const stored = new Set<Id>()
    for await (const { id } of this.#repository.backend.list('pack', { signal: this.#signal })) stored.add(id)
    for (const { packId } of index.blobs()) {
      if (!stored.has(packId)) throw damaged(`The pack ${packId}`, 'it vanished while the repository was pruned')
    }
  }

  async #removePacks(ids: readonly Id[]): Promise<void> {
    if (ids.length === 0) return
    await this.#verifyLock()
    await forEachAtOnce(REMOVALS_AT_ONCE, ids, async (id) => {
      await this.#repository.backend.remove({ kind: 'pack', id }, { signal: this.#signal })
      this.#removedPacks++
      const { orphans, remove, repack } = this.#plan
      const total = orphans.length + remove.length + this.#uses.unusable.length + repack.length
      this.#onProgress?.({ doing: 'removing packs', done: this.#removedPacks, total })
    })
  }

  #countRepacked({ length }: BlobLocation): void {
    this.#repackedBytes += length
    const total = sumOf(this.#plan.repack, ({ usedBytes }) => usedBytes)
    this.#onProgress?.({ doing: 'repacking', done: this.#repackedBytes, total })
  }

  async #verifyLock(): Promise<void> {
    await this.#lock.verify({ signal: this.#signal })
  }
}

function unexpected(saw: string): Error {
  return damaged('The index', `after the prune has rewritten it, it ${saw}; nothing more was removed`)
}

function sumOf(packs: readonly PackUse[], bytesOf: (pack: PackUse) => number): number {
  return packs.reduce((sum, pack) => sum + bytesOf(pack), 0)
}
