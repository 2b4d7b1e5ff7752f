export type { BackupFile, BackupFiles } from './backup-files.ts'
export {
  type BackupEntryKind,
  type BackupSelection,
  type BackupSet,
  type BackupSetEntry,
  type EntriesOptions,
  type OpenBackupSetOptions,
  openBackupSet,
} from './backup-set.ts'
export type { BackupSetErrorCode } from './errors.ts'
export { dataPathOf, type FileId, fileIdOf, parseFileId } from './file-id.ts'
export { decodeFileRecord, type FileRecord } from './file-record.ts'
export { folderFiles } from './folder-files.ts'
export { type ClassKeys, type KeyBag, parseKeyBag, type Stretching, unlockKeyBag } from './key-bag.ts'
export { type BackupApplication, type BackupManifest, parseManifest } from './manifest.ts'
export { type ManifestDb, type ManifestRow, openManifestDb, type RowsOptions } from './manifest-db.ts'
export type { PasswordSource } from './open-index.ts'
export { type BackupStatus, parseStatus } from './status.ts'
