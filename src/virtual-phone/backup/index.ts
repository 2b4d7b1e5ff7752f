export { type BackupAgent, type BackupPhone, newBackupAgent } from './backup-phone.ts'
export { MISCHIEFS, type Mischief } from './mischief.ts'
export { serveBackup } from './serve-backup.ts'
