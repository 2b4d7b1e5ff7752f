import { fromUtf8, viewOf } from '../../base/bytes.ts'
import { known } from '../known.ts'
import type { LogLevel, LogLine } from './log-line.ts'

/** Where things stand in a record, in bytes from its start; numbers are little-endian. */
const AT = {
  pid: 9,
  seconds: 55,
  microseconds: 63,
  level: 68,
  imageBytes: 107,
  messageBytes: 109,
  subsystemBytes: 117,
  categoryBytes: 121,
  executable: 129,
} as const

const LEVELS: ReadonlyMap<number, LogLevel> = new Map([
  [0, 'notice'],
  [1, 'info'],
  [2, 'debug'],
  [3, 'user-action'],
  [16, 'error'],
  [17, 'fault'],
])

/**
 * One record of os_trace_relay: fixed numbers, the path of the program up to a NUL, then the path of the speaking library, the
 * message, the subsystem and the category, each as long as the numbers say with its NUL. Undefined for bytes in which these
 * do not fit. Source: docs/protocol/small-services.md#os-trace-relay
 */
export function decodeTraceRecord(record: Uint8Array): LogLine | undefined {
  const executableEnd = record.indexOf(0, AT.executable)
  if (executableEnd === -1) return undefined
  const view = viewOf(record)
  const time = timeOf(view.getUint32(AT.seconds, true), view.getUint32(AT.microseconds, true))
  const texts = textsAt(record, executableEnd + 1, [
    view.getUint16(AT.imageBytes, true),
    view.getUint16(AT.messageBytes, true),
    view.getUint32(AT.subsystemBytes, true),
    view.getUint32(AT.categoryBytes, true),
  ])
  if (texts === undefined || time === undefined) return undefined
  const [image = '', message = '', subsystem, category] = texts
  return known<LogLine>({
    time,
    process: nameIn(fromUtf8(record.subarray(AT.executable, executableEnd))),
    pid: view.getUint32(AT.pid, true),
    level: LEVELS.get(record[AT.level]!),
    image: nameIn(image),
    subsystem: subsystem || undefined,
    category: category || undefined,
    text: message,
  })
}

/** Texts one after another, each of so many bytes with the NUL that ends it; undefined when they reach beyond the record. */
function textsAt(record: Uint8Array, start: number, sizes: readonly number[]): readonly string[] | undefined {
  const texts: string[] = []
  for (const size of sizes) {
    if (size > record.length - start) return undefined
    const bytes = record.subarray(start, start + size)
    const end = bytes.indexOf(0)
    texts.push(fromUtf8(end === -1 ? bytes : bytes.subarray(0, end)))
    start += size
  }
  return texts
}

/** The last part of a path. */
function nameIn(path: string): string | undefined {
  return path.slice(path.lastIndexOf('/') + 1) || undefined
}

function timeOf(seconds: number, microseconds: number): string | undefined {
  if (microseconds >= 1e6) return undefined
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length)
  return `${whole}.${String(microseconds).padStart(6, '0')}Z`
}
