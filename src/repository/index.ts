export type { Backend, BackendOptions, ByteRange, HashedKind, StoredFileInfo, StoredName } from './backend/backend.ts'
export { openLocalBackend } from './backend/local.ts'
export { parseRestAddress, type RestAddress, type RestLogin } from './backend/rest/address.ts'
export { openRestBackend, type RestOptions } from './backend/rest/rest.ts'
export { type BucketStyle, parseS3Address, type S3Address } from './backend/s3/address.ts'
export { openS3Backend, type S3Options } from './backend/s3/s3.ts'
export type { S3Credentials } from './backend/s3/sign.ts'
export { type CheckOptions, checkRepository } from './check/check.ts'
export type {
  CheckFinding,
  CheckFindingKind,
  CheckProgress,
  CheckReport,
  HurtFile,
  HurtSnapshot,
} from './check/check-report.ts'
export type { DataSelection } from './check/data-selection.ts'
export type { HurtPath } from './check/hurt-trees.ts'
export { type DamagedSample, type ReadBackReport, readBack } from './check/read-back.ts'
export { openVerifiedPacks, type VerifiedPacks } from './check/verified-packs.ts'
export { type CopyPlan, type CopyProgress, copySnapshots, planCopy } from './copy.ts'
export { onStorage, type RepositoryErrorCode } from './errors.ts'
export { goTime } from './format/go-json.ts'
export { type BlobId, type Id, parseId, shortId } from './format/id.ts'
export type { KdfCost } from './format/key.ts'
export type { BlobIndex, BlobType } from './indexes/blob-index.ts'
export { BlobMarks, type Marked } from './indexes/blob-marks.ts'
export { addKey, changePassword, listKeys, type NewKey, type RepositoryKey, removeKey } from './keys.ts'
export { type LockMode, type LockOptions, lockRepository, type RepositoryLock } from './lock.ts'
export { type LockOwner, STATION_HOST_PREFIX } from './lock-file.ts'
export { withMetadataCache } from './metadata-cache.ts'
export { type PreparedPrune, type PruneProgress, performPrune, preparePrune } from './prune/prune.ts'
export {
  PRUNE_DEFAULTS,
  type PruneLimits,
  type PrunePlan,
  type PruneSummary,
  summarizePrune,
  type UnusedLimit,
} from './prune/prune-plan.ts'
export {
  isRecoveryKey,
  newRecoveryWords,
  type RecoveryReading,
  readRecoveryWords,
  recoveryLabel,
} from './recovery-key.ts'
export {
  type IndexRepairPlan,
  needsIndexRepair,
  performIndexRepair,
  planIndexRepair,
} from './repair/repair-index.ts'
export {
  type DamagedPack,
  type PackRepairPlan,
  type PackRepairReport,
  performPackRepair,
  planPackRepair,
} from './repair/repair-packs.ts'
export {
  performSnapshotRepair,
  planSnapshotRepair,
  REPAIRED_TAG,
  type SnapshotRepair,
  type SnapshotRepairPlan,
  type SnapshotRepairReport,
} from './repair/repair-snapshots.ts'
export { type BlobSource, createRepository, openRepository, type Repository } from './repository.ts'
export { makeEmptyFolder, type RestoreProgress, type RestoreReport, restoreTree } from './restore.ts'
export {
  assertEachKeepsOne,
  type ForgetGroup,
  GROUPINGS,
  type Grouping,
  planForget,
  removeSnapshots,
} from './snapshots/forget.ts'
export {
  hostOf,
  INCOMPLETE_TAG,
  incompleteHost,
  incompleteTime,
  isIncomplete,
  isOpenAfter,
} from './snapshots/incomplete.ts'
export {
  type CalendarDuration,
  isEmptyPolicy,
  type KeepCounters,
  type KeepDecision,
  type KeepPolicy,
  PERIODS,
  parseCalendarDuration,
} from './snapshots/keep-policy.ts'
export {
  findSnapshot,
  type ListOptions,
  listSnapshots,
  loadSnapshot,
  type Snapshot,
  type SnapshotFields,
  type SnapshotSummary,
  saveSnapshot,
  snapshotToJson,
} from './snapshots/snapshot.ts'
export { isEmptyFilter, passesFilter, type SnapshotFilter } from './snapshots/snapshot-filter.ts'
export { countHosts, countStats, type HostUse, STATS_MODES, type Stats, type StatsMode } from './stats.ts'
export { type CowTree, type NewFile, openTree, type TreePath, type TreeReader } from './trees/cow-tree.ts'
export type { TreeEntry } from './trees/tree-entry.ts'
export { isTreeWhole } from './trees/tree-whole.ts'
export { type FoundLock, type UnlockReport, unlock } from './unlock.ts'
export type { FileWriter, StoredFile } from './write/file-writer.ts'
export type { WriterLimits } from './write/limits.ts'
export {
  type AdoptedPacks,
  openWriter,
  type RepositoryWriter,
  type WriterOptions,
  type WriterStats,
} from './write/writer.ts'
