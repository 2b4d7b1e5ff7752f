import { AppError, isAppError } from '../base/errors.ts'
import {
  hostOf,
  type Id,
  isIncomplete,
  isOpenAfter,
  isTreeWhole,
  type ListOptions,
  listSnapshots,
  openTree,
  REPAIRED_TAG,
  type Repository,
  type Snapshot,
  shortId,
} from '../repository/index.ts'
import type { Checkpoint, ResumeStore } from './resume-store.ts'

/** What a run builds on. */
export interface StartingPoint {
  /** The phone's newest whole snapshot, which the new one follows. */
  readonly parent: Snapshot | undefined
  /** The tree the phone is shown: an interrupted run's, else the parent's, else none. */
  readonly tree: Id | undefined
  /** True when an interrupted run is gone on with. */
  readonly resumes: boolean
  /** What interrupted runs of this phone have left in the repository. */
  readonly incomplete: readonly Snapshot[]
}

/** What keeps the snapshots of one phone together: restic groups by host and paths. */
export interface SnapshotGroup {
  readonly hostname: string
  readonly path: string
}

/** The host name holds for the life of a phone: it does not contain its name, which people change. */
export function snapshotGroupOf({ udid, model }: { udid: string; model: string | undefined }): SnapshotGroup {
  const kind = /^[a-z]+/i.exec(model ?? '')?.[0].toLowerCase() ?? 'phone'
  return { hostname: `${kind}-${udid.slice(-8).toLowerCase()}`, path: `/${udid}` }
}

/**
 * Finds what to build on: the phone's newest snapshot of which nothing is known to be lost. A phone that is shown nothing sends
 * everything, and what it still has of what was lost is then stored anew. An interrupted run is gone on with from the checkpoint
 * of this machine, else from what it has left in the repository; what is stale or no longer whole is left aside: it only costs time.
 */
export async function findStartingPoint(
  repository: Repository,
  { group, resume, onDamaged, signal }: { group: SnapshotGroup; resume: ResumeStore } & ListOptions,
): Promise<StartingPoint> {
  const snapshots = (await listSnapshots(repository, { signal, onDamaged })).filter((snapshot) => isOf(group, snapshot))
  const parent = await findParent(repository, { snapshots: snapshots.filter(isBackup), group, onDamaged, signal })
  const incomplete = snapshots.filter(isIncomplete)
  const checkpoint = await resume.read()
  for (const tree of treesToGoOnFrom(checkpoint, incomplete, parent)) {
    if (await isTreeWhole(repository, tree, { signal })) return { parent, tree, resumes: true, incomplete }
  }
  return { parent, tree: parent?.tree, resumes: false, incomplete }
}

function isOf({ hostname, path }: SnapshotGroup, snapshot: Snapshot): boolean {
  return hostOf(snapshot) === hostname && snapshot.paths.includes(path)
}

/** A repaired snapshot lacks files that the phone would take for backed up: it is passed over. */
function isBackup({ tags = [] }: Snapshot): boolean {
  return !tags.includes(REPAIRED_TAG) && !isIncomplete({ tags })
}

/** The best first. A checkpoint of this machine knows more than the repository: also, that the phone does not want to go on. */
function treesToGoOnFrom(
  checkpoint: Checkpoint | undefined,
  incomplete: readonly Snapshot[],
  parent: Snapshot | undefined,
): readonly Id[] {
  const isCurrent = checkpoint !== undefined && checkpoint.baseSnapshot === parent?.id
  if (isCurrent && checkpoint.tree === undefined) return []
  const open = incomplete.filter(({ tags = [] }) => !tags.includes(REPAIRED_TAG)).toReversed()
  const trees = open.filter((snapshot) => isOpenAfter(snapshot, parent)).map(({ tree }) => tree)
  return isCurrent && checkpoint.tree !== undefined ? [checkpoint.tree, ...trees] : trees
}

async function findParent(
  repository: Repository,
  { snapshots, group, onDamaged, signal }: { snapshots: readonly Snapshot[]; group: SnapshotGroup } & ListOptions,
): Promise<Snapshot | undefined> {
  for (const snapshot of snapshots.toReversed()) {
    const { tree } = snapshot
    const isWhole = await isTreeWhole(repository, tree, { signal })
    if (isWhole && (await isReadable(repository, { tree, folder: group.path.slice(1), signal }))) return snapshot
    onDamaged?.(partLost(snapshot))
  }
  return undefined
}

/** The phone reads back what lies directly in its folder, the list of its files above all, and ends a backup if it cannot. */
async function isReadable(
  repository: Repository,
  { tree, folder, signal }: { tree: Id; folder: string; signal: AbortSignal },
): Promise<boolean> {
  const reader = openTree(repository, tree)
  try {
    for await (const { name, kind } of reader.list([folder], { signal })) {
      if (kind !== 'file') continue
      for await (const _bytes of reader.readFile([folder, name], { signal })) signal.throwIfAborted()
    }
    return true
  } catch (error) {
    if (isAppError(error, 'repo.damaged')) return false
    throw error
  }
}

function partLost({ id }: Snapshot): AppError {
  const saw = `The repository has lost a part of snapshot ${shortId(id)}: this backup does not build on it`
  return new AppError('repo.damaged', saw, {
    remedy: 'Run `phonekeep check --read-data` to learn how far the damage goes, and what to do about it',
  })
}
