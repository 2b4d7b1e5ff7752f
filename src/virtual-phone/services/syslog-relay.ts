import { utf8 } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { Outbox } from '../outbox.ts'
import type { LogLine, ServicePhone } from './service.ts'

/** Lines that wait for a slow host; above it the host is disconnected. */
const LINES_WAITING_MAX = 1000

/** Sends the phone's log lines from now on; what the host says is ignored. Source: docs/protocol/small-services.md#syslog-relay */
export async function serveSyslogRelay(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  const outbox = new Outbox(channel, { signal, framesMax: LINES_WAITING_MAX })
  const post = (line: LogLine) => outbox.post(encodeLogLine(line, { nowMs: phone.clock.nowMs() }))
  using cleanup = new DisposableStack()
  cleanup.defer(phone.logLines.add(post))
  post({ process: 'syslog_relay', text: 'a host reads the log' })
  while ((await channel.readSome(4096, { signal: outbox.signal })) !== undefined) {
    // Some hosts say "start".
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Nov  2 10:11:05 iPhone backupd[66] <Notice>: text`, newline, NUL. The day takes two columns, as readers count them. */
export function encodeLogLine({ process, text }: LogLine, { nowMs }: { nowMs: number }): Uint8Array {
  const now = new Date(nowMs)
  const date = `${MONTHS[now.getUTCMonth()]} ${String(now.getUTCDate()).padStart(2)}`
  const time = now.toISOString().slice(11, 19)
  return utf8(`${date} ${time} iPhone ${process}[66] <Notice>: ${encodeVis(text)}\n\0`)
}

/** Everything but ASCII as vis(3) of BSD writes it: `\M-x`, and `\M^X` for what would be a control character. */
function encodeVis(text: string): string {
  return Array.from(utf8(text), (byte) => {
    if (byte < 0x80) return byte === 0x5c ? '\\\\' : String.fromCharCode(byte)
    const low = byte & 0x7f
    return low < 0x20 || low === 0x7f ? `\\M^${String.fromCharCode(low ^ 0x40)}` : `\\M-${String.fromCharCode(low)}`
  }).join('')
}
