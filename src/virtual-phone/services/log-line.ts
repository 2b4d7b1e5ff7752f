import { crc32 } from 'node:zlib'

export type LogLevel = 'notice' | 'info' | 'debug' | 'error' | 'fault'

/** A line of the phone's log, as os_trace_relay tells it; syslog_relay leaves subsystem and category out. */
export interface LogLine {
  /** The program that says it. */
  readonly process: string
  readonly pid: number
  readonly level: LogLevel
  /** `com.apple.mobilebackup`, for one; empty if the program names none. */
  readonly subsystem: string
  readonly category: string
  readonly text: string
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** What must be said about a line; the phone adds the rest: the program's own pid, `notice`, no subsystem, the time. */
export type NewLogLine = Pick<LogLine, 'process' | 'text'> &
  Partial<Pick<LogLine, 'pid' | 'level' | 'subsystem' | 'category'>>

export function completeLine(line: NewLogLine, { nowMs }: { nowMs: number }): LogLine {
  const { process, text, pid = pidOf(process), level = 'notice', subsystem = '', category = '' } = line
  return { process, pid, level, subsystem, category, text, atMs: nowMs }
}

/** Programs that run on every phone, and the pids that they have on this one. */
export const PROCESSES: ReadonlyMap<string, number> = new Map([
  ['kernel', 0],
  ['launchd', 1],
  ['lockdownd', 49],
  ['SpringBoard', 58],
  ['backupd', 66],
  ['accountsd', 71],
  ['cloudd', 93],
  ['wifid', 101],
  ['dasd', 112],
  ['BackupAgent2', 174],
  ['syslog_relay', 203],
])

/** The same pid each time, also for a program that is not on the list. */
function pidOf(process: string): number {
  return PROCESSES.get(process) ?? 300 + (crc32(process) % 9_000)
}

/** Where the program lies; made up, but for the shape. */
export function executableOf(process: string): string {
  return process === 'kernel' ? '/kernel' : `/usr/libexec/${process}`
}
