import { isAppError } from '../base/errors.ts'
import {
  type Id,
  isTreeWhole,
  type ListOptions,
  listSnapshots,
  type Repository,
  type Snapshot,
} from '../repository/index.ts'
import type { ResumeStore } from './resume-store.ts'

/** What a run builds on. */
export interface StartingPoint {
  /** The phone's newest snapshot, which the new one follows. */
  readonly parent: Snapshot | undefined
  /** The tree the phone is shown: an interrupted run's, else the parent's, else none. */
  readonly tree: Id | undefined
  /** True when an interrupted run is gone on with. */
  readonly resumes: boolean
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

/** Finds what to build on. A checkpoint that is stale or no longer whole is left aside: it only costs time. */
export async function findStartingPoint(
  repository: Repository,
  { group, resume, onDamaged, signal }: { group: SnapshotGroup; resume: ResumeStore } & ListOptions,
): Promise<StartingPoint> {
  const snapshots = await listSnapshots(repository, { signal, onDamaged })
  const parent = snapshots.findLast(({ hostname, paths }) => hostname === group.hostname && paths.includes(group.path))
  const checkpoint = await resume.read()
  const isCurrent = checkpoint !== undefined && checkpoint.baseSnapshot === parent?.id
  if (isCurrent && (await isWhole(repository, checkpoint.tree, signal))) {
    return { parent, tree: checkpoint.tree, resumes: true }
  }
  return { parent, tree: parent?.tree, resumes: false }
}

/** False when a prune or a lost file took something of the tree away. */
async function isWhole(repository: Repository, tree: Id, signal: AbortSignal): Promise<boolean> {
  try {
    return await isTreeWhole(repository, tree, { signal })
  } catch (error) {
    if (isAppError(error, 'repo.damaged')) return false
    throw error
  }
}
