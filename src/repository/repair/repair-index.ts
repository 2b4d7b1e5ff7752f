import { isAppError } from '../../base/errors.ts'
import { surveyPacks } from '../check/pack-survey.ts'
import type { Id } from '../format/id.ts'
import { encodeIndexFile, type IndexedPack } from '../indexes/index-file.ts'
import { rewriteIndex } from '../indexes/index-rewrite.ts'
import { PackReader, readHeader, type StoredPack } from '../packs/pack-reader.ts'
import type { Repository } from '../repository.ts'
import { type PerformRepairOptions, quarantine } from './quarantine.ts'

/** What a repair of the index would do. */
export interface IndexRepairPlan {
  /** Index files that cannot be read: they are moved into quarantine, and what they listed is listed anew. */
  readonly unreadable: readonly Id[]
  /** Packs that are listed but gone: they are listed no longer. */
  readonly gone: readonly Id[]
  /** Packs that are there but not listed: they are listed by their own headers. */
  readonly unlisted: readonly StoredPack[]
  /** Packs that are listed wrongly, by size or by contents: as the unlisted ones. */
  readonly misjudged: readonly StoredPack[]
  /** How often a pack stands in a second index file as well, which is put in order on the way. */
  readonly duplicates: number
  /** Packs whose headers cannot be read: nothing changes for them. `planPackRepair` saves what is in them. */
  readonly left: readonly Id[]
}

interface PlanOptions {
  readonly signal: AbortSignal
  /** Called after every header. */
  readonly onHeader?: (() => void) | undefined
}

/**
 * Finds what an index that fits the packs would list. Reads every index file, and the headers of packs that are not listed, or
 * not rightly; changes nothing. Throws what the storage says when a file cannot be read for another reason than damage.
 */
export async function planIndexRepair(
  repository: Repository,
  { signal, onHeader }: PlanOptions,
): Promise<IndexRepairPlan> {
  const { faults, stored } = await surveyPacks(repository, { signal })
  const damagedFiles = faults.filter((fault) => fault.kind === 'index-damaged')
  for (const { error } of damagedFiles) if (!isAppError(error, 'repo.damaged')) throw error
  const orphans = faults.filter((fault) => fault.kind === 'pack-unlisted').filter(({ isMarked }) => !isMarked)
  const wrong = faults.filter((fault) => fault.kind === 'index-conflict' || fault.kind === 'pack-size')
  const left: Id[] = []
  const readable = async (packIds: readonly Id[]): Promise<readonly StoredPack[]> => {
    const packs: StoredPack[] = []
    for (const id of new Set(packIds)) {
      const pack = { id, sizeBytes: stored.get(id) ?? 0 }
      if ((await listingOf(repository, pack, signal)) === undefined) left.push(id)
      else packs.push(pack)
      onHeader?.()
    }
    return packs
  }
  return {
    unreadable: damagedFiles.map(({ indexId }) => indexId),
    gone: faults.filter((fault) => fault.kind === 'pack-missing').map(({ packId }) => packId),
    unlisted: await readable(orphans.map(({ packId }) => packId)),
    misjudged: await readable(wrong.map(({ packId }) => packId).filter((id) => stored.has(id))),
    duplicates: faults.filter(({ kind }) => kind === 'index-duplicate').length,
    left,
  }
}

/** True when there is something to do. */
export function needsIndexRepair({ unreadable, gone, unlisted, misjudged, duplicates }: IndexRepairPlan): boolean {
  return unreadable.length + gone.length + unlisted.length + misjudged.length + duplicates > 0
}

/** What a pack's own header lists; undefined when it cannot be read. */
async function listingOf(
  repository: Repository,
  pack: StoredPack,
  signal: AbortSignal,
): Promise<IndexedPack | undefined> {
  try {
    return { id: pack.id, blobs: await readHeader(repository, new PackReader(repository, pack, signal), pack) }
  } catch (error) {
    if (!isAppError(error, 'repo.damaged')) throw error
    return undefined
  }
}

/** As restic: an index file is full at this number of blobs. */
const BLOBS_MAX = 50_000

/**
 * Does what was planned. New index files are durable before old ones go, so it can be interrupted
 * anywhere and begun again. The repository's loaded index is out of date afterwards.
 */
export async function performIndexRepair(
  repository: Repository,
  plan: IndexRepairPlan,
  { lock, signal, place }: PerformRepairOptions,
): Promise<void> {
  if (!needsIndexRepair(plan)) return
  for await (const packs of batchesOf(listingsOf(repository, plan.unlisted, signal))) {
    await repository.saveUnpacked('index', encodeIndexFile(packs), { signal })
  }
  const added = await Array.fromAsync(listingsOf(repository, plan.misjudged, signal))
  const gone = new Set([...plan.gone, ...added.map(({ id }) => id)])
  const unreadable = new Set(plan.unreadable)
  const replaced = await rewriteIndex(repository, { gone, added, unreadable }, { signal })
  await lock.verify({ signal })
  for (const id of replaced) await repository.backend.remove({ kind: 'index', id }, { signal })
  for (const id of unreadable) await quarantine(repository.backend, { kind: 'index', id }, { place, signal })
}

async function* listingsOf(
  repository: Repository,
  packs: readonly StoredPack[],
  signal: AbortSignal,
): AsyncGenerator<IndexedPack> {
  for (const pack of packs) {
    const listing = await listingOf(repository, pack, signal)
    if (listing !== undefined) yield listing
  }
}

/** Packs for one index file after the other. */
async function* batchesOf(packs: AsyncIterable<IndexedPack>): AsyncGenerator<readonly IndexedPack[]> {
  let batch: IndexedPack[] = []
  let blobs = 0
  for await (const pack of packs) {
    if (blobs > 0 && blobs + pack.blobs.length > BLOBS_MAX) {
      yield batch
      batch = []
      blobs = 0
    }
    batch.push(pack)
    blobs += pack.blobs.length
  }
  if (batch.length > 0) yield batch
}
