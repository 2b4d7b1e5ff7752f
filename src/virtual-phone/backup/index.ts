export { type BackupAgent, newBackupAgent } from './backup-phone.ts'
export { MISCHIEFS } from './mischief.ts'
export { serveBackup } from './serve-backup.ts'
