import { boolOf, dateOf, dictOf, parsePlist, textOf } from '../plist/index.ts'
import { damaged } from './errors.ts'

/** `Status.plist`: how far the phone got. Only one whose `snapshotState` is `finished` is a backup that restores. */
export interface BackupStatus {
  /** Stays the same over incremental backups. */
  readonly uuid: string
  /** "3.3" since iOS 10. */
  readonly version: string
  /** When it was written, by the phone's clock. */
  readonly dateMs: number
  /** `new`; `empty` during the first upload of a first backup; `old`. */
  readonly backupState: string
  /** `uploading`, then `moving`, `removing`, `finished`. */
  readonly snapshotState: string
  /** False in every finished backup, full or not: of use to the phone alone. */
  readonly isFullBackup: boolean
}

/**
 * Reads a `Status.plist`. Throws `backup-set.damaged` when one of its six keys is missing, and the errors of `parsePlist`.
 * Source: docs/protocol/backup-set.md#status
 */
export function parseStatus(bytes: Uint8Array): BackupStatus {
  const status = dictOf(parsePlist(bytes))
  return {
    uuid: required('UUID', textOf(status?.UUID)),
    version: required('Version', textOf(status?.Version)),
    dateMs: required('Date', dateOf(status?.Date)).getTime(),
    backupState: required('BackupState', textOf(status?.BackupState)),
    snapshotState: required('SnapshotState', textOf(status?.SnapshotState)),
    isFullBackup: required('IsFullBackup', boolOf(status?.IsFullBackup)),
  }
}

function required<Value>(key: string, value: Value | undefined): Value {
  if (value === undefined) throw damaged(`Status.plist has no usable ${key}`)
  return value
}
