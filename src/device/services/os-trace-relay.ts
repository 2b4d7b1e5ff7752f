import { viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame, wireClosed } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { dictOf, textOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import { readDict, writePlist } from '../plist-frame.ts'
import { printableValue } from '../printable.ts'
import type { LogLine } from './log-line.ts'
import { decodeTraceRecord } from './os-trace-record.ts'

/** Each connection takes one question. Source of all below: docs/protocol/small-services.md#os-trace-relay */
export const OS_TRACE_RELAY = 'com.apple.os_trace_relay'

/** The byte in front of everything the phone sends. */
const KIND = { answer: 1, record: 2, archive: 3 } as const
const ANSWER_BYTES_MAX = 4 << 20
/** A message has at most 64 KiB, and so has each of the other texts on any phone. */
const RECORD_BYTES_MAX = 1 << 20
const ARCHIVE_PIECE_BYTES = 256 << 10

const ALL_PROCESSES = 0xffff_ffff
const ALL_MESSAGES = 0xffff
/** Payload, historical, callstack and debug; what is only for information comes with one more. */
const STREAM_FLAGS = 0x3c
const STREAM_FLAG_INFO = 0x100

/** The programs that run, by their process ids. */
export async function readProcesses(
  channel: ByteChannel,
  { signal }: WaitOptions,
): Promise<ReadonlyMap<number, string>> {
  const answer = await ask(channel, { Request: 'PidList' }, { signal })
  const names = new Map<number, string>()
  for (const [pid, entry] of Object.entries(dictOf(answer.Payload) ?? {})) {
    const name = textOf(dictOf(entry)?.ProcessName)
    if (/^\d{1,10}$/.test(pid) && name !== undefined) names.set(Number(pid), name)
  }
  return names
}

export interface ActivityOptions extends WaitOptions {
  /** Of one process only. */
  readonly pid?: number | undefined
  readonly withInfo: boolean
}

/** Starts the stream that `traceLines` reads. Throws `device.log-refused`. */
export async function startActivity(channel: ByteChannel, { pid, withInfo, signal }: ActivityOptions): Promise<void> {
  const StreamFlags = withInfo ? STREAM_FLAGS | STREAM_FLAG_INFO : STREAM_FLAGS
  const question = { Request: 'StartActivity', Pid: pid ?? ALL_PROCESSES, MessageFilter: ALL_MESSAGES, StreamFlags }
  checkStarted(await ask(channel, question, { signal }))
}

/**
 * The phone's log, as it is pulled, until the phone hangs up (`wire.closed`). A record whose numbers do not fit it is left out
 * and told to `onSkipped`; one that claims to be longer than any phone's is `wire.bad-frame`.
 */
export async function* traceLines(
  channel: ByteChannel,
  { onSkipped, signal }: WaitOptions & { readonly onSkipped: () => void },
): AsyncGenerator<LogLine> {
  for (;;) {
    const size = await readSize(channel, KIND.record, { signal })
    if (size === undefined) throw wireClosed('The phone ended its log')
    if (size > RECORD_BYTES_MAX) throw badFrame(`The phone announced a line of its log of ${size} bytes`)
    const line = decodeTraceRecord(await channel.readExactly(size, { signal }))
    if (line === undefined) onSkipped()
    else yield line
  }
}

/** Limits to what is in an archive. Apple's names; `StartTime` is in seconds since 1970, the units of the others are unsure. */
export interface ArchiveLimits {
  readonly SizeLimit?: number
  readonly AgeLimit?: number
  readonly StartTime?: number
}

/**
 * The phone's stored log as a tar archive, in pieces as they are pulled, until the phone hangs up: that is the end, so a
 * connection that is lost between two pieces looks like one. May take minutes and be gigabytes. Throws `device.log-refused`.
 */
export async function* readLogArchive(
  channel: ByteChannel,
  { signal, ...limits }: WaitOptions & ArchiveLimits,
): AsyncGenerator<Uint8Array> {
  checkStarted(await ask(channel, { Request: 'CreateArchive', ...limits }, { signal }))
  for (;;) {
    let bytesLeft = await readSize(channel, KIND.archive, { signal })
    if (bytesLeft === undefined) return
    while (bytesLeft > 0) {
      const piece = await channel.readExactly(Math.min(bytesLeft, ARCHIVE_PIECE_BYTES), { signal })
      bytesLeft -= piece.length
      yield piece
    }
  }
}

/** Questions are framed as everywhere; the answer has a byte in front. */
async function ask(channel: ByteChannel, question: PlistDict, { signal }: WaitOptions): Promise<PlistDict> {
  await writePlist(channel, question, { signal })
  const [kind] = await channel.readExactly(1, { signal })
  if (kind !== KIND.answer) throw unexpected(kind)
  return await readDict(channel, { bytesMax: ANSWER_BYTES_MAX, signal })
}

function checkStarted({ Status }: PlistDict): void {
  if (Status === 'RequestSuccessful') return
  throw deviceError('device.log-refused', `The phone did not give its log (${printableValue(Status)})`, {
    remedy: 'Unlock the phone once after its restart, and try again',
  })
}

/** The kind, then the size as u32 little-endian, unlike that of an answer; undefined when the phone has hung up. */
async function readSize(channel: ByteChannel, wanted: number, { signal }: WaitOptions): Promise<number | undefined> {
  const kind = await channel.readSome(1, { signal })
  if (kind === undefined) return undefined
  if (kind[0] !== wanted) throw unexpected(kind[0])
  return viewOf(await channel.readExactly(4, { signal })).getUint32(0, true)
}

function unexpected(kind: number | undefined): Error {
  return badFrame(`The phone sent something of kind ${kind} in its log`)
}
