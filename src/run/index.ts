export { type BackUpOptions, backUp, type RunEvent, type RunResult } from './back-up.ts'
export type { RunErrorCode } from './errors.ts'
