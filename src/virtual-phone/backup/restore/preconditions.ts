import { boolOf, textOf } from '../../../plist/index.ts'
import { BackupError, MB } from '../backup-error.ts'
import { type BackupPhone, roomOf } from '../backup-phone.ts'
import type { Run } from '../run.ts'
import { readInfo } from './info-plist.ts'
import type { SourceBackup } from './source-backup.ts'

/** What keeps a phone from being restored to, whatever the backup: 22, 25, 102, 211. Source: docs/protocol/mobilebackup2.md#restore */
export function checkPhone({ agent, condition, lockdown }: BackupPhone): void {
  const { forbidsBackup, isRestoringFromCloud } = condition.state
  if (forbidsBackup) throw new BackupError(MB.forbidden, 'Restore is not allowed by device management')
  if (isRestoringFromCloud) throw new BackupError(MB.cloudRestoreRuns, 'An iCloud restore is running')
  if (agent.hasRestoreLeftovers) {
    const inner = new BackupError(MB.exists, 'File exists', { path: '/private/var/mobile.backup.i' })
    throw new BackupError(MB.deviceWrite, '.backup.i exists', { inner })
  }
  if (boolOf(lockdown.get('com.apple.fmip', 'IsAssociated'))) {
    throw new BackupError(MB.findMyOn, 'Find My iPhone must be disabled before restoring')
  }
}

/** Throws `BackupError` 203 for a backup of a newer iOS. What the host does not tell is not checked. */
export async function checkVersion(run: Run): Promise<void> {
  const info = await readInfo(run, run.root)
  const theirs = textOf(info?.['Product Version'])
  const ours = textOf(run.phone.lockdown.get('', 'ProductVersion'))
  if (theirs === undefined || ours === undefined || compareVersions(theirs, ours) <= 0) return
  throw new BackupError(MB.unsupported, `The backup is of a newer version (${theirs} > ${ours})`)
}

function compareVersions(one: string, other: string): number {
  const ones = one.split('.')
  const others = other.split('.')
  for (let at = 0; at < Math.max(ones.length, others.length); at++) {
    const difference = numberAt(ones, at) - numberAt(others, at)
    if (difference !== 0) return difference
  }
  return 0
}

/** What is not there, or is no number, counts as 0. */
function numberAt(parts: readonly string[], at: number): number {
  return Number(parts[at]) || 0
}

/** Throws `BackupError` 106. */
export function checkRoom(phone: BackupPhone, bytes: number): void {
  const free = roomOf(phone)
  if (free >= bytes) return
  throw new BackupError(MB.deviceFull, `Insufficient free disk space on device to restore (${free} < ${bytes})`)
}

/** The phone takes the backup's encryption over, which device management may forbid: 1, with 22 inside. */
export function checkEncryption({ condition }: BackupPhone, { keys }: SourceBackup): void {
  if (keys !== undefined || !condition.state.requiresEncryption) return
  const inner = new BackupError(MB.forbidden, 'Encryption is required by device management')
  throw new BackupError(MB.internal, 'Error setting WillEncrypt value', { inner })
}
