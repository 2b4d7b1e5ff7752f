import { VERSION } from '../base/version.ts'
import type { PhoneIdentity } from '../device/index.ts'
import {
  goTime,
  type Id,
  INCOMPLETE_TAG,
  incompleteHost,
  incompleteTime,
  type LockOwner,
  type Snapshot,
  type SnapshotFields,
  type SnapshotSummary,
  type WriterStats,
} from '../repository/index.ts'
import type { TreeComparison } from './compare-trees.ts'
import type { SnapshotGroup } from './starting-point.ts'

/** What is known of a tree from the beginning of a run. */
export interface RunTree {
  readonly tree: Id
  readonly parent: Snapshot | undefined
  readonly group: SnapshotGroup
  readonly identity: PhoneIdentity
  readonly owner: LockOwner
  readonly startedMs: number
}

export interface FinishedTree extends RunTree {
  readonly endedMs: number
  readonly comparison: TreeComparison
  readonly stats: WriterStats
}

/** What a finished run writes down about itself, so that restic's listings make sense to people. */
export function snapshotFieldsOf(finished: FinishedTree): SnapshotFields {
  return { ...commonFields(finished), time: goTime(finished.startedMs), summary: summaryOf(finished) }
}

/** The same for a run that is not over, so that no other program takes it for a backup of the phone. */
export function incompleteFieldsOf(run: RunTree): SnapshotFields {
  const { hostname, tags, ...fields } = commonFields(run)
  return {
    ...fields,
    time: incompleteTime(run.parent, goTime(run.startedMs)),
    hostname: incompleteHost(hostname),
    tags: [...tags, INCOMPLETE_TAG],
  }
}

function commonFields({ tree, parent, group, identity, owner }: RunTree) {
  return {
    parent: parent?.id,
    tree,
    paths: [group.path],
    hostname: group.hostname,
    username: owner.hostname,
    tags: tagsOf(identity),
    program_version: `phonekeep ${VERSION}`,
  }
}

const NAME_LENGTH_MAX = 100

/** The phone's name and its iOS version. restic separates tags by commas, and its tables are as wide as the longest. */
function tagsOf({ name, ios }: PhoneIdentity): readonly string[] {
  const plain = name?.replaceAll(/[,\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ').trim() ?? ''
  const tags = [[...plain].slice(0, NAME_LENGTH_MAX).join(''), ios === undefined ? '' : `iOS ${ios}`]
  return tags.filter((tag) => tag !== '')
}

function summaryOf({ startedMs, endedMs, comparison, stats }: FinishedTree): SnapshotSummary {
  const { files, folders, totalFiles, totalBytes } = comparison
  return {
    backup_start: goTime(startedMs),
    backup_end: goTime(endedMs),
    files_new: files.added,
    files_changed: files.changed,
    files_unmodified: files.unmodified,
    dirs_new: folders.added,
    dirs_changed: folders.changed,
    dirs_unmodified: folders.unmodified,
    data_blobs: stats.dataBlobs,
    tree_blobs: stats.treeBlobs,
    data_added: stats.addedBytes,
    data_added_packed: stats.storedBytes,
    total_files_processed: totalFiles,
    total_bytes_processed: totalBytes,
  }
}
