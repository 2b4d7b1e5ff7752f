import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { examinePack } from '../check/pack-examination.ts'
import { surveyPacks } from '../check/pack-survey.ts'
import type { Id } from '../format/id.ts'
import type { BlobIndex, PackedBlob } from '../indexes/blob-index.ts'
import { rewriteIndex } from '../indexes/index-rewrite.ts'
import type { StoredPack } from '../packs/pack-reader.ts'
import { Repository } from '../repository.ts'
import { openWriter } from '../write/writer.ts'
import { type PerformRepairOptions, quarantine } from './quarantine.ts'

/** A pack that is not what it should be. */
export interface DamagedPack extends StoredPack {
  /** What is wrong with it, for a person. */
  readonly saw: string
  /** Blobs that cannot be read; what else is in it can be saved. */
  readonly unreadableBlobs: number
}

/** What a repair of packs would do: save what can be read of each into new packs, and move it into quarantine. */
export interface PackRepairPlan {
  readonly damaged: readonly DamagedPack[]
  readonly packsRead: number
  /** Of the index files that can be read. */
  readonly index: BlobIndex
  /** The others, which stay as they are. */
  readonly unreadableIndexes: ReadonlySet<Id>
}

interface PlanOptions {
  /** The packs to look at; all of them, listed or not, if not given. Those that are gone are left out. */
  readonly packs?: readonly Id[] | undefined
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: { readonly bytesRead: number; readonly bytes: number }) => void) | undefined
}

/**
 * Reads packs whole and finds those that are damaged; changes nothing. Throws what the storage says when a pack cannot be read
 * for another reason than damage: nothing is repaired on a disk that fails.
 */
export async function planPackRepair(repository: Repository, options: PlanOptions): Promise<PackRepairPlan> {
  const { signal, onProgress } = options
  const { index, stored, faults } = await surveyPacks(repository, { signal })
  const marked = new Set(
    faults.flatMap((fault) => (fault.kind === 'pack-unlisted' && fault.isMarked ? [fault.packId] : [])),
  )
  const wanted = (options.packs ?? [...stored.keys()]).filter((id) => stored.has(id) && !marked.has(id))
  const bytes = wanted.reduce((sum, id) => sum + (stored.get(id) ?? 0), 0)
  const damaged: DamagedPack[] = []
  let bytesRead = 0
  for (const id of wanted) {
    const pack = { id, sizeBytes: stored.get(id) ?? 0 }
    const { saw, unreadableBlobs } = await lookAt(repository, pack, { listed: index.blobsOf(id), signal })
    if (saw !== undefined) damaged.push({ ...pack, saw, unreadableBlobs })
    bytesRead += pack.sizeBytes
    onProgress?.({ bytesRead, bytes })
  }
  const unreadableIndexes = new Set<Id>()
  for (const fault of faults) {
    if (fault.kind !== 'index-damaged') continue
    if (!isAppError(fault.error, 'repo.damaged')) throw fault.error
    unreadableIndexes.add(fault.indexId)
  }
  return { damaged, packsRead: wanted.length, index, unreadableIndexes }
}

async function lookAt(
  repository: Repository,
  pack: StoredPack,
  options: {
    readonly listed: readonly PackedBlob[]
    readonly signal: AbortSignal
    readonly onBlob?: (blob: PackedBlob, plain: Uint8Array) => Promise<void>
  },
): Promise<{ readonly saw: string | undefined; readonly unreadableBlobs: number }> {
  const { damage, failure, headerDiffers, unreadable } = await examinePack(repository, pack, options)
  if (failure !== undefined) throw failure
  const saw = damage ?? (headerDiffers ? 'its header lists other blobs than the index does' : undefined)
  return { saw, unreadableBlobs: unreadable.length }
}

/** What a repair of packs did. */
export interface PackRepairReport {
  /** Blobs that were stored anew; for the others there was a good copy elsewhere. */
  readonly savedBlobs: number
  /** Where the damaged packs are now. */
  readonly moved: readonly { readonly pack: Id; readonly quarantine: Id }[]
}

/**
 * Does what was planned. What was saved is durable and listed before a damaged pack is listed no longer,
 * and only then is it moved: the work can be interrupted anywhere and begun again. From then on nothing relies on blobs that are
 * lost, so that the next backup stores them anew. The repository's loaded index is out of date afterwards.
 */
export async function performPackRepair(
  repository: Repository,
  plan: PackRepairPlan,
  { lock, clock, signal, place }: PerformRepairOptions & { readonly clock: Clock },
): Promise<PackRepairReport> {
  const gone = new Set(plan.damaged.map(({ id }) => id))
  if (gone.size === 0) return { savedBlobs: 0, moved: [] }
  const savedBlobs = await saveReadable(repository, plan, { gone, clock, signal })
  const unreadable = plan.unreadableIndexes
  const replaced = await rewriteIndex(repository, { gone, added: [], unreadable }, { signal })
  await lock.verify({ signal })
  for (const id of replaced) await repository.backend.remove({ kind: 'index', id }, { signal })
  const moved: { pack: Id; quarantine: Id }[] = []
  for (const pack of gone) {
    const id = await quarantine(repository.backend, { kind: 'pack', id: pack }, { place, signal })
    if (id !== undefined) moved.push({ pack, quarantine: id })
  }
  return { savedBlobs, moved }
}

/** Stores what is readable in the damaged packs, and nowhere else. */
async function saveReadable(
  repository: Repository,
  { damaged, index }: PackRepairPlan,
  { gone, clock, signal }: { readonly gone: ReadonlySet<Id>; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<number> {
  // An index of its own: the writer must not take a blob for stored because a damaged pack has it.
  const beside = new Repository(repository.backend, repository.sealer, repository.config)
  await using writer = openWriter(beside, { clock, signal })
  let savedBlobs = 0
  const onBlob = async (blob: PackedBlob, plain: Uint8Array) => {
    if (await isElsewhere(repository, blob, { index, gone, signal })) return
    await writer.saveBlob(blob.type, plain)
    savedBlobs++
  }
  for (const pack of damaged) await lookAt(repository, pack, { listed: index.blobsOf(pack.id), signal, onBlob })
  await writer.flush({ signal })
  return savedBlobs
}

/** True when a pack that is not damaged has a copy that can be read. */
async function isElsewhere(
  repository: Repository,
  { type, id }: PackedBlob,
  { index, gone, signal }: { readonly index: BlobIndex; readonly gone: ReadonlySet<Id>; readonly signal: AbortSignal },
): Promise<boolean> {
  for (const copy of index.findAll(type, id)) {
    if (gone.has(copy.packId)) continue
    try {
      await repository.loadCopy(copy, { signal })
      return true
    } catch (error) {
      if (!isAppError(error, 'repo.damaged')) throw error
    }
  }
  return false
}
