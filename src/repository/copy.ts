import type { Clock } from '../base/clock.ts'
import type { Id } from './format/id.ts'
import type { BlobLocation } from './indexes/blob-index.ts'
import { BlobMarks } from './indexes/blob-marks.ts'
import type { RepositoryLock } from './lock.ts'
import { readBlobs } from './packs/blob-reader.ts'
import type { Repository } from './repository.ts'
import { type Snapshot, saveSnapshot } from './snapshots/snapshot.ts'
import { markUsedBlobs } from './trees/used-blobs.ts'
import { openWriter } from './write/writer.ts'

/** What a copy has to do. */
export interface CopyPlan {
  readonly copy: readonly Snapshot[]
  /** Those that the target has already, each with what it is there. */
  readonly present: readonly { readonly snapshot: Snapshot; readonly copiedTo: Snapshot }[]
}

/** Decides as restic does: a snapshot is there already if the target has one of the same origin that says the same. */
export function planCopy(source: readonly Snapshot[], target: readonly Snapshot[]): CopyPlan {
  const byOrigin = Map.groupBy(target, originOf)
  const byId = new Map(target.map((snapshot) => [snapshot.id, snapshot]))
  const copy: Snapshot[] = []
  const present: { snapshot: Snapshot; copiedTo: Snapshot }[] = []
  for (const snapshot of source) {
    const origin = originOf(snapshot)
    const candidates = [...(byOrigin.get(origin) ?? []), byId.get(origin)].filter((each) => each !== undefined)
    const copiedTo = candidates.find((candidate) => saysTheSame(snapshot, candidate))
    if (copiedTo === undefined) copy.push(snapshot)
    else present.push({ snapshot, copiedTo })
  }
  return { copy, present }
}

/** The id under which a snapshot was first saved anywhere. */
function originOf({ id, original }: Snapshot): Id {
  return original ?? id
}

/** In everything but where it came from. Paths and tags may stand in another order. */
function saysTheSame(left: Snapshot, right: Snapshot): boolean {
  return summaryOf(left) === summaryOf(right)
}

function summaryOf({ time, tree, hostname, username, uid, gid, paths, tags, excludes }: Snapshot): string {
  const moment = Temporal.Instant.from(time).epochNanoseconds.toString()
  const who = [hostname ?? '', username ?? '', uid ?? 0, gid ?? 0]
  return JSON.stringify([moment, tree, who, paths.toSorted(), (tags ?? []).toSorted(), excludes ?? []])
}

/** How far a copy is. */
export interface CopyProgress {
  readonly snapshots: number
  readonly blobs: number
  /** Plain. */
  readonly bytes: number
}

interface CopyOptions {
  /** On the target; hold one on the source, too. */
  readonly lock: RepositoryLock
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
}

/** So many snapshots are copied at one time: each pack of the source is read once for all of them. */
const BATCH_SNAPSHOTS = 8

/**
 * Copies snapshots with everything that they need and the target does not have. Every blob is proven when it is read and again
 * when it is written; a snapshot is saved when all it needs is durable. An interrupted copy is gone on with by the next one.
 * Load both indexes before. Resolves with the new snapshots; throws `repo.damaged` when the source lacks something.
 */
export async function copySnapshots(
  { source, target }: { readonly source: Repository; readonly target: Repository },
  snapshots: readonly Snapshot[],
  { lock, clock, signal, onProgress }: CopyOptions,
): Promise<readonly Snapshot[]> {
  const until = AbortSignal.any([signal, lock.signal])
  await using writer = openWriter(target, { clock, signal: until })
  await writer.adoptOrphanPacks({ signal: until })
  const marks = new BlobMarks(source.index)
  const saved: Snapshot[] = []
  let progress: CopyProgress = { snapshots: 0, blobs: 0, bytes: 0 }
  for (let next = 0; next < snapshots.length; next += BATCH_SNAPSHOTS) {
    const batch = snapshots.slice(next, next + BATCH_SNAPSHOTS)
    const trees = batch.map(({ tree }) => tree)
    await markUsedBlobs(source, marks, trees, { signal: until })
    for await (const { blob, plain } of readBlobs(source, missingIn(target, source, marks), { signal: until })) {
      progress = { ...progress, blobs: progress.blobs + 1, bytes: progress.bytes + plain.length }
      onProgress?.(progress)
      await writer.saveBlob(blob.type, plain)
    }
    await writer.flush({ signal: until })
    await lock.verify({ signal: until })
    for (const snapshot of batch) saved.push(await saveCopy(target, snapshot, until))
    progress = { ...progress, snapshots: saved.length }
    onProgress?.(progress)
  }
  return saved
}

/** What is marked in the source and not stored in the target, pack by pack. */
function* missingIn(target: Repository, source: Repository, marks: BlobMarks): Generator<BlobLocation> {
  for (const blob of source.index.blobs()) {
    if (marks.has(blob.type, blob.id) && !target.index.has(blob.type, blob.id)) yield blob
  }
}

/** The parent means nothing in another repository; the origin stays the same wherever a snapshot is copied. */
async function saveCopy(target: Repository, snapshot: Snapshot, signal: AbortSignal): Promise<Snapshot> {
  return await saveSnapshot(target, { ...snapshot, parent: undefined, original: originOf(snapshot) }, { signal })
}
