import { concatBytes, viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { encodeBinaryPlist, encodeXmlPlist, numberOf, type PlistDict, textOf } from '../../plist/index.ts'
import { Outbox } from '../outbox.ts'
import { readRequests } from '../plist-frames.ts'
import { type LogLine, PROCESSES } from './log-line.ts'
import { encodeTraceRecord } from './os-trace-record.ts'
import type { ServicePhone } from './service.ts'
import { encodeTar } from './tar.ts'

/** Lines that wait for a slow host; above it the host is disconnected. */
const LINES_WAITING_MAX = 1000

const KIND_PLIST = 0x01
const KIND_RECORD = 0x02
const KIND_ARCHIVE = 0x03

/** Lists processes, streams the log, and hands out an archive of it. Source: docs/protocol/small-services.md#os-trace-relay */
export async function serveOsTraceRelay(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  const outbox = new Outbox(channel, { signal, framesMax: LINES_WAITING_MAX })
  const answer = (message: PlistDict) => outbox.post(frame(KIND_PLIST, encodeBinaryPlist(message)))
  using following = new DisposableStack()
  let wanted: ((line: LogLine) => boolean) | undefined
  following.defer(
    phone.logLines.add((line) => {
      if (wanted?.(line)) outbox.post(frame(KIND_RECORD, encodeTraceRecord(line)))
    }),
  )
  for await (const request of readRequests(channel, { signal: outbox.signal })) {
    switch (textOf(request.Request)) {
      case 'PidList':
        answer({ ...SUCCESS, Payload: pidList() })
        break
      case 'StartActivity':
        answer(SUCCESS)
        wanted = filterOf(request)
        break
      case 'CreateArchive':
        answer(SUCCESS)
        outbox.post(frame(KIND_ARCHIVE, createArchive(phone)))
        return await outbox.flush()
      default:
        answer({ Status: 'RequestFailed' })
    }
  }
}

/** Short, and in a binary plist shorter still: pymobiledevice3 reads a status of less than 256 bytes only. */
const SUCCESS = { Status: 'RequestSuccessful' }

/** u8 kind, u32 size (of a plist big-endian, of the others little-endian), body. */
function frame(kind: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(5)
  head[0] = kind
  viewOf(head).setUint32(1, body.length, kind !== KIND_PLIST)
  return concatBytes([head, body])
}

function pidList(): PlistDict {
  return Object.fromEntries(Array.from(PROCESSES, ([name, pid]) => [String(pid), { ProcessName: name }]))
}

const FLAG_DEBUG = 0x20
const FLAG_INFO = 0x100

/** Which lines the host asked for: those of one process or, with -1 in 32 bits or as it is, of all; debug and info by flags. */
function filterOf(request: PlistDict): (line: LogLine) => boolean {
  const pid = (numberOf(request.Pid) ?? -1) | 0
  const flags = numberOf(request.StreamFlags) ?? FLAG_DEBUG
  return (line) => {
    if (pid !== -1 && line.pid !== pid) return false
    if (line.level === 'debug') return (flags & FLAG_DEBUG) !== 0
    return line.level !== 'info' || (flags & FLAG_INFO) !== 0
  }
}

/** A log archive has its description beside the log itself; there is no log in this one. */
function createArchive({ identity, clock }: ServicePhone): Uint8Array {
  const info = encodeXmlPlist({
    ArchiveIdentifier: identity.udid,
    EndTimeRef: { WallTime: Math.floor(clock.nowMs()) * 1_000_000 },
    OSArchiveVersion: 5,
    OSLoggingSupportProject: 'libtrace',
    OSVersion: identity.buildVersion,
  })
  return encodeTar([{ name: 'system_logs.logarchive/Info.plist', bytes: info }], { nowMs: clock.nowMs() })
}
