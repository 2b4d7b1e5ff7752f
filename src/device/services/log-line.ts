/** One thing that a program on the phone said, from whichever of the two log services. */
export interface LogLine {
  /**
   * ISO 8601 in UTC with microseconds from os_trace_relay; `Nov 22 10:11:05`, without year and zone, from syslog_relay; absent
   * where a record was not of the usual form.
   */
  readonly time?: string
  /** The name of the program, such as `backupd`. */
  readonly process?: string
  readonly pid?: number
  /** Absent for one that is not known here. */
  readonly level?: LogLevel
  /** The library of the program that speaks. */
  readonly image?: string
  /** Whose words these are, such as `com.apple.mobilebackup`, and which of them; os_trace_relay alone tells. */
  readonly subsystem?: string
  readonly category?: string
  /** May hold anything: several lines, characters that steer a terminal. */
  readonly text: string
}

/** How much each level matters. Both services know some of them. */
const SEVERITY = {
  debug: 0,
  info: 1,
  notice: 2,
  'user-action': 2,
  warning: 3,
  error: 4,
  critical: 5,
  fault: 5,
  alert: 6,
  emergency: 7,
} as const

export type LogLevel = keyof typeof SEVERITY

/** All levels, what matters least first. */
export const LOG_LEVELS = Object.keys(SEVERITY) as readonly LogLevel[]

/** What to hear of; a line has to fit all that is given. A line that does not tell is no match, except for the level. */
export interface LogFilter {
  readonly process?: string
  readonly pid?: number
  /** This one, and all that matter more. */
  readonly level?: LogLevel
  /** Only where os_trace_relay is spoken: syslog_relay knows no subsystems, so there nothing fits. */
  readonly subsystem?: string
}

export function fitsFilter(line: LogLine, { process, pid, level, subsystem }: LogFilter): boolean {
  if (process !== undefined && line.process !== process) return false
  if (pid !== undefined && line.pid !== pid) return false
  if (subsystem !== undefined && line.subsystem !== subsystem) return false
  return level === undefined || line.level === undefined || SEVERITY[line.level] >= SEVERITY[level]
}
