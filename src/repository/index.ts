export type { Backend, BackendOptions, ByteRange, HashedKind, StoredFileInfo, StoredName } from './backend/backend.ts'
export { openLocalBackend } from './backend/local.ts'
export type { BlobIndex, BlobType } from './blob-index.ts'
export {
  type CheckFinding,
  type CheckFindingKind,
  type CheckProgress,
  type CheckReport,
  checkRepository,
} from './check.ts'
export { type CowTree, type NewFile, openTree, type TreePath, type TreeReader } from './cow-tree.ts'
export type { RepositoryErrorCode } from './errors.ts'
export type { FileWriter, StoredFile } from './file-writer.ts'
export { goTime } from './go-json.ts'
export { type BlobId, type Id, parseId, shortId } from './id.ts'
export type { KdfCost } from './key.ts'
export { type LockMode, type LockOptions, type LockOwner, lockRepository, type RepositoryLock } from './lock.ts'
export { type BlobSource, createRepository, openRepository, type Repository } from './repository.ts'
export { type RestoreProgress, type RestoreReport, restoreTree } from './restore.ts'
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
} from './snapshot.ts'
export type { TreeEntry } from './tree-entry.ts'
export { isTreeWhole } from './tree-whole.ts'
export { type AdoptedPacks, openWriter, type RepositoryWriter, type WriterStats } from './writer.ts'
