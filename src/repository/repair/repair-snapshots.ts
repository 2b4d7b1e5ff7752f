import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { HurtFile } from '../check/check-report.ts'
import { type Id, sha256 } from '../format/id.ts'
import { Repository } from '../repository.ts'
import { byTime, loadSnapshot, type Snapshot, type SnapshotFields, saveSnapshot } from '../snapshots/snapshot.ts'
import { openWriter } from '../write/writer.ts'
import { type PerformRepairOptions, quarantine } from './quarantine.ts'
import { openTreeMending } from './tree-mending.ts'

/** What restic's repair, and ours, mark a snapshot with that something was left out of. */
export const REPAIRED_TAG = 'repaired'

/** A snapshot that cannot be restored as it was, and what would be made of it. */
export interface SnapshotRepair {
  readonly snapshot: Snapshot
  /** Without what is lost; undefined when nothing would be left. */
  readonly tree: Id | undefined
  readonly lostFiles: number
  /** With everything in them. */
  readonly lostFolders: number
  /** What an earlier repair has made of it, which is not made again. */
  readonly repairedAs: Id | undefined
}

/** What a repair of snapshots would do. */
export interface SnapshotRepairPlan {
  /** Oldest first. */
  readonly repairs: readonly SnapshotRepair[]
  /** Snapshot files that cannot be read: nobody can tell what they were of. */
  readonly unreadable: readonly Id[]
  /** How many snapshots are as they were. */
  readonly sound: number
}

interface PlanOptions {
  readonly signal: AbortSignal
  /** Told of every file and folder that is left out. */
  readonly onLeftOut?: ((hurt: HurtFile) => void) | undefined
  readonly onTree?: (() => void) | undefined
}

/**
 * Finds the snapshots that need what is lost, and what is left of them; changes nothing. Reads all trees, but no data: repair the
 * index and the packs before. Throws what the storage says when a file cannot be read for another reason than damage.
 */
export async function planSnapshotRepair(
  repository: Repository,
  { signal, onLeftOut, onTree }: PlanOptions,
): Promise<SnapshotRepairPlan> {
  const { snapshots, unreadable } = await readSnapshots(repository, signal)
  const store = async (tree: Uint8Array) => sha256(tree)
  const { trees, mend } = await openTreeMending(repository, { store, signal, onTree })
  const repairs: SnapshotRepair[] = []
  for (const snapshot of snapshots) {
    const { files, folders } = await trees.count(snapshot.tree, '')
    if (files + folders === 0) continue
    const tree = await mend(snapshot.tree)
    const repairedAs = tree && snapshots.find((other) => isRepairOf(other, snapshot, tree))?.id
    repairs.push({ snapshot, tree, lostFiles: files, lostFolders: folders, repairedAs })
    if (onLeftOut === undefined) continue
    for await (const hurt of trees.list(snapshot.tree)) onLeftOut({ snapshot: snapshot.id, ...hurt })
  }
  return { repairs, unreadable, sound: snapshots.length - repairs.length }
}

async function readSnapshots(
  repository: Repository,
  signal: AbortSignal,
): Promise<{ readonly snapshots: readonly Snapshot[]; readonly unreadable: readonly Id[] }> {
  const snapshots: Snapshot[] = []
  const unreadable: Id[] = []
  for await (const { id } of repository.backend.list('snapshot', { signal })) {
    try {
      const snapshot = await loadSnapshot(repository, id, { signal })
      if (snapshot !== undefined) snapshots.push(snapshot)
    } catch (error) {
      if (!isAppError(error, 'repo.damaged')) throw error
      unreadable.push(id)
    }
  }
  return { snapshots: snapshots.sort(byTime), unreadable }
}

function isRepairOf({ tags = [], original, tree }: Snapshot, broken: Snapshot, mended: Id): boolean {
  return tags.includes(REPAIRED_TAG) && original === (broken.original ?? broken.id) && tree === mended
}

/** What a repair of snapshots did. */
export interface SnapshotRepairReport {
  readonly made: readonly Snapshot[]
  /** Taken out of the list of snapshots; what nothing was left of, or could not be read, is in quarantine. */
  readonly removed: readonly Id[]
}

interface PerformOptions extends PerformRepairOptions {
  /** Remove what was repaired, and what there is nothing left of. Otherwise the old snapshots stay beside the new ones. */
  readonly forget: boolean
  readonly clock: Clock
}

/**
 * Does what was planned. New trees are durable before the new snapshots, and those before an old one
 * goes: the work can be interrupted anywhere and begun again.
 */
export async function performSnapshotRepair(
  repository: Repository,
  plan: SnapshotRepairPlan,
  { forget, lock, clock, signal, place }: PerformOptions,
): Promise<SnapshotRepairReport> {
  const wanted = plan.repairs.filter(({ tree, repairedAs }) => tree !== undefined && repairedAs === undefined)
  const fields = await storeTrees(repository, wanted, { clock, signal })
  await lock.verify({ signal })
  const made: Snapshot[] = []
  for (const each of fields) made.push(await saveSnapshot(repository, each, { signal }))
  if (!forget) return { made, removed: [] }
  const { backend } = repository
  const lost = plan.repairs.filter(({ tree }) => tree === undefined).map(({ snapshot }) => snapshot.id)
  const replaced = plan.repairs.filter(({ tree }) => tree !== undefined).map(({ snapshot }) => snapshot.id)
  await lock.verify({ signal })
  for (const id of replaced) await backend.remove({ kind: 'snapshot', id }, { signal })
  for (const id of [...lost, ...plan.unreadable]) await quarantine(backend, { kind: 'snapshot', id }, { place, signal })
  return { made, removed: [...replaced, ...lost, ...plan.unreadable] }
}

/** Stores the mended trees, durably, and resolves with the snapshots to be made of them. */
async function storeTrees(
  repository: Repository,
  repairs: readonly SnapshotRepair[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly SnapshotFields[]> {
  if (repairs.length === 0) return []
  // An index of its own: the writer must not take a tree for stored because the index lists a pack that is gone.
  const beside = new Repository(repository.backend, repository.sealer, repository.config)
  await using writer = openWriter(beside, { clock, signal })
  const store = (tree: Uint8Array) => writer.saveBlob('tree', tree)
  const { trees, mend } = await openTreeMending(repository, { store, signal })
  const fields: SnapshotFields[] = []
  for (const { snapshot } of repairs) {
    await trees.count(snapshot.tree, '')
    const tree = await mend(snapshot.tree)
    if (tree !== undefined) fields.push(repairedFields(snapshot, tree))
  }
  await writer.flush({ signal })
  return fields
}

/** The summary told of another tree. */
function repairedFields({ id, summary: _ofAnother, ...fields }: Snapshot, tree: Id): SnapshotFields {
  const tags = [...new Set([...(fields.tags ?? []), REPAIRED_TAG])]
  return { ...fields, tree, tags, original: fields.original ?? id }
}
