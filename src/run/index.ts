export { usedBytes } from './allowance.ts'
export { type BackUpOptions, backUp, type RunEvent, type RunResult } from './back-up.ts'
export { notAsStored, type RunErrorCode } from './errors.ts'
export {
  type ExtractFinding,
  type ExtractOptions,
  type ExtractProgress,
  type ExtractReport,
  extractFiles,
} from './extract.ts'
export { RESTORE_CHECKS, type RestoreCheck, type RestoreCheckName, type RestoreVerdict } from './restore-checks.ts'
export {
  checkRestore,
  type RestoreCheckOptions,
  type RestoredPhone,
  type RestoreEvent,
  type RestoreToPhoneOptions,
  refuseStopped,
  restoreToPhone,
} from './restore-to-phone.ts'
export { openSnapshotFiles, type SnapshotFiles } from './snapshot-files.ts'
