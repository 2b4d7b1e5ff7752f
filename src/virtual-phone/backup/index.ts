export { type BackupAgent, type BackupPhone, type DeviceCache, newBackupAgent } from './backup-phone.ts'
export { MISCHIEFS, type Mischief, type MischiefSession } from './mischief.ts'
export { PASSCODE_SHEET_MS, type PasscodeHabit, PasscodeSheet } from './passcode-sheet.ts'
export { serveBackup } from './serve-backup.ts'
