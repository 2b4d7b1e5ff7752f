import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { arrayOf, dictOf, numberOf, textOf } from '../../plist/index.ts'
import { readPlist, writePlist } from '../plist-frame.ts'
import { printableValue } from '../printable.ts'
import type { NamedPath } from './backup-path.ts'
import { parseNamedPath } from './backup-path.ts'

/** Stands where DeviceLink has no value, since arrays cannot hold null. */
export const EMPTY = '___EmptyParameterString___'

/** Largest message accepted. The largest real ones name 128 pairs of paths, about 25 KiB. */
const MESSAGE_BYTES_MAX = 16 << 20

/** Most paths in one message; phones send at most 128. */
const PATHS_MAX = 4096

/** DeviceLink's statuses, as far as hosts send them. Source: docs/protocol/mobilebackup2.md. */
export const STATUS = { ok: 0, failed: -1, notFound: -6, several: -13 } as const

/** The text for `STATUS.notFound`. */
export const NOT_FOUND = 'No such file or directory'

/** What a phone can ask of the host, or tell it, in one message. */
export type HostRequest =
  | { readonly do: 'receive-files'; readonly percent: number | undefined; readonly bytes: number }
  | { readonly do: 'send-files'; readonly paths: readonly NamedPath[]; readonly percent: number | undefined }
  | { readonly do: 'make-folder'; readonly path: NamedPath }
  | { readonly do: 'list'; readonly path: NamedPath }
  | { readonly do: 'move'; readonly moves: readonly NamedMove[]; readonly percent: number | undefined }
  | { readonly do: 'remove'; readonly paths: readonly NamedPath[]; readonly percent: number | undefined }
  | { readonly do: 'copy'; readonly from: NamedPath; readonly to: NamedPath }
  | { readonly do: 'report-free-space' }
  | { readonly do: 'purge'; readonly bytes: number }
  | { readonly do: 'take-response'; readonly response: FinalResponse }
  | { readonly do: 'end'; readonly reason: string }
  | { readonly do: 'nothing' }
  | { readonly do: 'decline'; readonly message: string }

export interface NamedMove {
  readonly from: NamedPath
  readonly to: NamedPath
}

/** The phone's last word on a request. `code` is of MBErrorDomain; 0 is success. */
export interface FinalResponse {
  readonly code: number
  readonly description: string
  readonly content: PlistDict
}

/**
 * Turns one DeviceLink message into what the host shall do. Pure; a message that breaks the protocol, or names a path outside
 * the backups of these UDIDs, throws `wire.bad-frame`. Names nobody knows are to be declined, not ignored: the phone waits
 * for a status. Source: docs/protocol/mobilebackup2.md.
 */
export function interpret(message: readonly Plist[], udids: readonly string[]): HostRequest {
  const name = textOf(message[0])
  const read = readerOf(message, udids)
  switch (name) {
    case 'DLMessageUploadFiles':
      return { do: 'receive-files', percent: percentOf(message[2]), bytes: sizeOf(message[3]) }
    case 'DLMessageDownloadFiles':
      return { do: 'send-files', paths: read.paths(1), percent: percentOf(message[3]) }
    case 'DLMessageCreateDirectory':
      return { do: 'make-folder', path: read.path(1) }
    case 'DLContentsOfDirectory':
      return { do: 'list', path: read.path(1) }
    case 'DLMessageMoveItems':
    case 'DLMessageMoveFiles':
      return { do: 'move', moves: read.moves(1), percent: percentOf(message[3]) }
    case 'DLMessageRemoveItems':
    case 'DLMessageRemoveFiles':
      return { do: 'remove', paths: read.paths(1), percent: percentOf(message[3]) }
    case 'DLMessageCopyItem':
      return { do: 'copy', from: read.path(1), to: read.path(2) }
    case 'DLMessageGetFreeDiskSpace':
      return { do: 'report-free-space' }
    case 'DLMessagePurgeDiskSpace':
      return { do: 'purge', bytes: sizeOf(message[1]) }
    case 'DLMessageProcessMessage':
      return { do: 'take-response', response: parseResponse(message[1]) }
    case 'DLMessageDisconnect':
      return { do: 'end', reason: reasonOf(message[1]) }
    case 'DLMessagePing':
      return { do: 'nothing' }
    default:
      return { do: 'decline', message: name ?? '' }
  }
}

/** A phone's `Response` dictionary. Throws `wire.bad-frame` when it is anything else. */
export function parseResponse(value: Plist | undefined): FinalResponse {
  const content = dictOf(value)
  const code = numberOf(content?.ErrorCode)
  if (content?.MessageName !== 'Response' || code === undefined) {
    throw badFrame(`The phone sent ${printableValue(content?.MessageName)} where its response was due`)
  }
  return { code, description: textOf(content.ErrorDescription) ?? '', content }
}

/** A request, or an answer to one, in DeviceLink's envelope. */
export function processMessage(content: PlistDict): readonly Plist[] {
  return ['DLMessageProcessMessage', content]
}

/** A status is always four elements; phones refuse anything shorter. */
export function statusMessage(code: number, text: string = EMPTY, payload: Plist = {}): readonly Plist[] {
  return ['DLMessageStatusResponse', code, text, payload]
}

/** Reads one message: an array whose first element names it. */
export async function readMessage(channel: ByteChannel, { signal }: WaitOptions): Promise<readonly Plist[]> {
  const message = arrayOf(await readPlist(channel, { bytesMax: MESSAGE_BYTES_MAX, signal })) ?? []
  if (textOf(message[0])?.startsWith('DL')) return message
  throw badFrame('The phone sent something other than a DeviceLink message')
}

/** Writes one message, as a binary property list. */
export async function writeMessage(
  channel: ByteChannel,
  message: readonly Plist[],
  { signal }: WaitOptions,
): Promise<void> {
  await writePlist(channel, message, { form: 'binary', signal })
}

/** Real or whole, 0 to 100; phones also send negative numbers for "unknown". */
function percentOf(value: Plist | undefined): number | undefined {
  const percent = numberOf(value)
  return percent === undefined || !(percent >= 0) ? undefined : Math.min(percent, 100)
}

/** A number of bytes; 0 for anything that cannot be one. */
function sizeOf(value: Plist | undefined): number {
  const size = numberOf(value) ?? 0
  return Number.isFinite(size) && size > 0 ? size : 0
}

function reasonOf(value: Plist | undefined): string {
  const reason = textOf(value)
  return reason === undefined || reason === EMPTY ? '' : reason
}

function readerOf(message: readonly Plist[], udids: readonly string[]) {
  const broken = () => badFrame(`The phone's ${printableValue(message[0])} is not of the form it should be`)
  const toPath = (value: Plist | undefined): NamedPath => {
    const text = textOf(value)
    if (text === undefined) throw broken()
    return parseNamedPath(text, udids)
  }
  const checkCount = (count: number) => {
    if (count > PATHS_MAX) throw badFrame(`The phone named ${count} paths at once; the limit is ${PATHS_MAX}`)
  }
  return {
    path: (index: number): NamedPath => toPath(message[index]),
    paths: (index: number): readonly NamedPath[] => {
      const list = arrayOf(message[index])
      if (list === undefined) throw broken()
      checkCount(list.length)
      return list.map(toPath)
    },
    moves: (index: number): readonly NamedMove[] => {
      const pairs = dictOf(message[index])
      if (pairs === undefined) throw broken()
      const entries = Object.entries(pairs)
      checkCount(entries.length)
      return entries.map(([from, to]) => ({ from: toPath(from), to: toPath(to) }))
    },
  }
}
