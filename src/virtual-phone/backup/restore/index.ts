export { restartSoon } from './restart.ts'
export { serveRestore } from './restore.ts'
export { readRestoreApplications } from './restore-applications.ts'
