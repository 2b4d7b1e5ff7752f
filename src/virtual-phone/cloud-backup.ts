import { boolOf, encodeBinaryPlist, type PlistDict } from '../plist/index.ts'
import { secondsSince2001 } from './apple-time.ts'
import type { ConditionChange, ConditionState } from './condition/index.ts'
import type { PhoneContents, Place } from './contents/index.ts'
import type { LockdownValues } from './lockdown/values.ts'
import type { NewLogLine } from './services/log-line.ts'

const BACKUP_DOMAIN = 'com.apple.mobile.backup'

/** Where backupd notes how its backups went; backups to computers hold it. */
const NOTES: Place = { domain: 'HomeDomain', relativePath: 'Library/Preferences/com.apple.MobileBackup.plist' }

export interface CloudBackupPhone {
  readonly values: LockdownValues
  readonly contents: PhoneContents
  readonly clock: { nowMs(): number }
  readonly log: (line: NewLogLine) => void
}

/**
 * A backup to iCloud has ended, with an error of MBErrorDomain or without: what backupd then writes into its log, its notes and,
 * after a success only, lockdownd's values. Nothing is uploaded. Source: docs/protocol/doctor.md#what-a-phone-tells
 */
export function endCloudBackup(phone: CloudBackupPhone, { code }: { code: number | undefined }): void {
  const { values, contents, clock } = phone
  const nowMs = clock.nowMs()
  contents.write(NOTES, encodeBinaryPlist(notesOf(nowMs, code)))
  if (code === undefined) {
    values.set(BACKUP_DOMAIN, 'LastCloudBackupDate', secondsSince2001(nowMs))
    values.set(BACKUP_DOMAIN, 'LastCloudBackupTZ', 'GMT')
  }
  phone.log(backupdLine(`=scheduler= Scheduler received backup ${endingOf(code)}`))
}

function endingOf(code: number | undefined): string {
  if (code === undefined) return 'completion notification'
  return `failure notification for account <private>: Error Domain=MBErrorDomain Code=${code} "Made up" UserInfo={NSUnderlyingError=<private>}`
}

/** How `errors` is encoded on a real phone is unsure. Source: docs/protocol/doctor.md#in-a-backup */
function notesOf(nowMs: number, code: number | undefined): PlistDict {
  return {
    AccountEnabledDate: new Date(Date.UTC(2024, 2, 2, 10, 11, 12)),
    BackupStateInfo: {
      state: code === undefined ? 4 : 5,
      isCloud: true,
      isBackground: true,
      date: new Date(Math.floor(nowMs / 1000) * 1000),
      errors: code === undefined ? [] : [{ Domain: 'MBErrorDomain', Code: code }],
    },
  }
}

/** What backupd says when one of the things has changed that a backup waits for; undefined for any other change. */
export function conditionNews({ before, now }: ConditionChange, values: LockdownValues): NewLogLine | undefined {
  const hasChanged =
    before.isLocked !== now.isLocked ||
    before.isOnWifi !== now.isOnWifi ||
    isOnPower(before) !== isOnPower(now) ||
    before.isRestoringFromCloud !== now.isRestoringFromCloud
  return hasChanged ? conditionLine(now, values) : undefined
}

/** The state of the conditions; numbers are never hidden. Source: docs/protocol/doctor.md#the-condition-line */
export function conditionLine(state: ConditionState, values: LockdownValues): NewLogLine {
  const enabled = boolOf(values.get(BACKUP_DOMAIN, 'CloudBackupEnabled')) ?? false
  const { isLocked, isOnWifi, isRestoringFromCloud } = state
  const onPower = isOnPower(state)
  const holds = enabled && isLocked && onPower && isOnWifi && !isRestoringFromCloud
  const flags = { enabled, locked: isLocked, onPower, onWiFi: isOnWifi }
  const told = Object.entries(flags).map(([name, value]) => `${name}:${Number(value)}`)
  const rest =
    'onCellular:0(0), autoBackupOnCellularEnabled:0, autoBackupOnCellularAllowedByProvider:1, passcodeChanged:0, '
  const manager = isRestoringFromCloud ? '(restoring)' : '(null)'
  return backupdLine(
    `=scheduler= [${holds ? 'On' : 'Off'} condition] state changed, ${told.join(', ')}, ${rest}managerStates:${manager}, changes:<private>`,
  )
}

/** Any source of power, whether it charges now or not. */
function isOnPower({ power }: ConditionState): boolean {
  return power === 'charging' || power === 'held'
}

function backupdLine(text: string): NewLogLine {
  return { process: 'backupd', subsystem: 'com.apple.mobilebackup', category: 'Default', text }
}
