import { boolOf, dictOf, encodeBinaryPlist, parsePlist, textOf } from '../../plist/index.ts'

export type SnapshotState = 'uploading' | 'moving' | 'removing' | 'finished'

/** Status.plist: the phone's commit points in the host's folder. */
export interface BackupStatus {
  /** Upper-case; links the folder to the phone's own cache. Stays the same over incremental backups. */
  readonly uuid: string
  readonly version: string
  readonly backupState: 'empty' | 'old' | 'new'
  readonly snapshotState: SnapshotState
  readonly isFullBackup: boolean
  readonly date: Date
}

export const STATUS_VERSION = '3.3'

/** 187 to 192 bytes. Source: docs/protocol/mobilebackup2.md#statusplist */
export function encodeStatus(status: BackupStatus): Uint8Array {
  return encodeBinaryPlist({
    UUID: status.uuid,
    Version: status.version,
    BackupState: status.backupState,
    SnapshotState: status.snapshotState,
    IsFullBackup: status.isFullBackup,
    Date: status.date,
  })
}

/** What the phone needs of a Status.plist that comes back from the host. */
export type ParsedStatus = Pick<BackupStatus, 'uuid' | 'isFullBackup' | 'snapshotState'> & {
  readonly version: number
  readonly backupState: string
}

/** Undefined for anything that is no Status.plist. */
export function parseStatus(bytes: Uint8Array): ParsedStatus | undefined {
  const status = dictOf(parsePlistOrNothing(bytes))
  const snapshotState = SNAPSHOT_STATES.find((state) => state === textOf(status?.SnapshotState))
  const version = Number(textOf(status?.Version) ?? 0)
  if (status === undefined || snapshotState === undefined || Number.isNaN(version)) return undefined
  const isFullBackup = boolOf(status.IsFullBackup) ?? false
  const backupState = textOf(status.BackupState) ?? ''
  return { uuid: textOf(status.UUID) ?? '', version, backupState, snapshotState, isFullBackup }
}

const SNAPSHOT_STATES: readonly SnapshotState[] = ['uploading', 'moving', 'removing', 'finished']

function parsePlistOrNothing(bytes: Uint8Array) {
  try {
    return parsePlist(bytes)
  } catch {
    return undefined
  }
}
