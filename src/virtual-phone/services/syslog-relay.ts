import { utf8 } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { textOf } from '../../plist/index.ts'
import { Outbox } from '../outbox.ts'
import { completeLine, type LogLevel, type LogLine } from './log-line.ts'
import type { ServicePhone } from './service.ts'

/** Lines that wait for a slow host; above it the host is disconnected. */
const LINES_WAITING_MAX = 1000

/** Sends the phone's log lines from now on; what the host says is ignored. Source: docs/protocol/small-services.md#syslog-relay */
export async function serveSyslogRelay(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  const outbox = new Outbox(channel, { signal, framesMax: LINES_WAITING_MAX })
  const post = (line: LogLine) => outbox.post(encodeLogLine(line, { hostName: hostNameOf(phone) }))
  using cleanup = new DisposableStack()
  cleanup.defer(phone.logLines.add(post))
  post(completeLine({ process: 'syslog_relay', text: 'a host reads the log' }, { nowMs: phone.clock.nowMs() }))
  while ((await channel.readSome(4096, { signal: outbox.signal })) !== undefined) {
    // Some hosts say "start".
  }
}

/** The phone's name as its network name: readers take it to end at the first space. */
function hostNameOf({ values }: ServicePhone): string {
  const name = textOf(values.get('', 'DeviceName')) ?? ''
  return name.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '') || 'iPhone'
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const LEVEL_NAMES: { readonly [Level in LogLevel]: string } = {
  notice: 'Notice',
  info: 'Info',
  debug: 'Debug',
  error: 'Error',
  fault: 'Critical',
}

/** `Nov  2 10:11:05 iPhone backupd[66] <Notice>: text`, newline, NUL. The day takes two columns, as readers count them. */
export function encodeLogLine(line: LogLine, { hostName }: { hostName: string }): Uint8Array {
  const at = new Date(line.atMs)
  const date = `${MONTHS[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)}`
  const time = at.toISOString().slice(11, 19)
  const { process, pid, level, text } = line
  return utf8(`${date} ${time} ${hostName} ${process}[${pid}] <${LEVEL_NAMES[level]}>: ${encodeVis(text)}\n\0`)
}

/** All but printable ASCII, newlines and tabs as vis(3) of BSD writes it: `\M-x`, `\M^X` and `\^X`. */
function encodeVis(text: string): string {
  return Array.from(utf8(text), encodeVisByte).join('')
}

function encodeVisByte(byte: number): string {
  const low = byte & 0x7f
  const isControl = low < 0x20 || low === 0x7f
  if (byte >= 0x80) return isControl ? `\\M^${String.fromCharCode(low ^ 0x40)}` : `\\M-${String.fromCharCode(low)}`
  if (isControl && byte !== 0x0a && byte !== 0x09) return `\\^${String.fromCharCode(byte ^ 0x40)}`
  return byte === 0x5c ? '\\\\' : String.fromCharCode(byte)
}
