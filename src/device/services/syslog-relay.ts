import { concatBytes, fromUtf8 } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { wireClosed } from '../../base/channel.ts'
import { known } from '../known.ts'
import type { LogLevel, LogLine } from './log-line.ts'
import { LOG_LEVELS } from './log-line.ts'
import { decodeVis } from './vis.ts'

export const SYSLOG_RELAY = 'com.apple.syslog_relay'

/** A longer record is cut: what is behind is not kept. */
const RECORD_BYTES_MAX = 64 << 10
const READ_BYTES = 64 << 10

/**
 * The phone's log from now on, as it is pulled, until the phone hangs up (`wire.closed`). The phone speaks from the start and
 * needs no question. A record that is not of the usual form is a line of text alone.
 * Source: docs/protocol/small-services.md#syslog-relay
 */
export async function* syslogLines(channel: ByteChannel, { signal }: WaitOptions): AsyncGenerator<LogLine> {
  for await (const record of recordsOf(channel, { signal })) {
    const text = fromUtf8(decodeVis(withoutLineEnd(record)))
    if (text !== '') yield parseSyslogRecord(text)
  }
}

/** What lies between NULs, each cut to the limit. */
async function* recordsOf(channel: ByteChannel, { signal }: WaitOptions): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array = new Uint8Array(0)
  for (;;) {
    const bytes = await channel.readSome(READ_BYTES, { signal })
    if (bytes === undefined) throw wireClosed('The phone ended its log')
    let start = 0
    for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
      yield extended(begun, bytes.subarray(start, end))
      begun = new Uint8Array(0)
      start = end + 1
    }
    begun = extended(begun, bytes.subarray(start))
  }
}

function extended(begun: Uint8Array, bytes: Uint8Array): Uint8Array {
  return concatBytes([begun, bytes.subarray(0, RECORD_BYTES_MAX - begun.length)])
}

/** A record ends with a line end in front of its NUL. */
function withoutLineEnd(record: Uint8Array): Uint8Array {
  return record.at(-1) === 0x0a ? record.subarray(0, -1) : record
}

/** `Nov  2 10:11:05 Adas-iPhone SpringBoard(FrontBoard)[66] <Notice>: text`; every part is bounded, so that no text takes long. */
const RECORD =
  /^(?<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S{1,255} (?<process>[^\n([]{1,255})(?:\((?<image>[^\n)]{0,255})\))?\[(?<pid>\d{1,10})\] <(?<level>\w{1,16})>: ?/

/** One record, its escapes undone. */
export function parseSyslogRecord(record: string): LogLine {
  const match = RECORD.exec(record)
  if (match === null) return { text: record }
  const { time, process, image, pid, level } = match.groups ?? {}
  return known<LogLine>({
    time,
    process,
    pid: Number(pid),
    level: levelOf(level),
    image: image || undefined,
    subsystem: undefined,
    category: undefined,
    text: record.slice(match[0].length),
  })
}

function levelOf(word: string | undefined): LogLevel | undefined {
  return LOG_LEVELS.find((level) => level === word?.toLowerCase())
}
