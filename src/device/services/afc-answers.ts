import { concatBytes, fromUtf8, viewOf } from '../../base/bytes.ts'
import { deviceError } from '../errors.ts'
import { known } from '../known.ts'
import { printable } from '../printable.ts'
import type { AfcPacket } from './afc-packet.ts'
import { AFC } from './afc-packet.ts'

export interface AfcStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly sizeBytes: number
  /** Milliseconds since 1970; phones tell nanoseconds. */
  readonly modifiedMs: number
  readonly createdMs?: number
  /** Where a link leads, as it is written there. */
  readonly linkTarget?: string
}

/** The file system behind AFC, and the model of the phone. */
export interface AfcDeviceInfo {
  readonly model?: string
  readonly totalBytes?: number
  readonly freeBytes?: number
  readonly blockBytes?: number
}

const OK = 0
const NO_SPACE = 18
/** Some phones say 4 for a missing path, most say 8. */
const MISSING = new Set([4, 8])

/** What phones mean by their statuses. Source: docs/protocol/small-services.md#afc */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [1, 'unknown, perhaps a folder that is not empty'],
  [2, 'bad header'],
  [3, 'no resources'],
  [4, 'cannot be read'],
  [5, 'cannot be written'],
  [6, 'unknown operation'],
  [7, 'bad argument'],
  [8, 'not there'],
  [9, 'is a folder'],
  [10, 'not permitted'],
  [11, 'not connected'],
  [12, 'too slow'],
  [13, 'too much data'],
  [14, 'no more data'],
  [15, 'not supported'],
  [16, 'is there already'],
  [17, 'busy'],
  [NO_SPACE, 'no room left'],
  [19, 'held by somebody else'],
  [20, 'input or output failed'],
  [21, 'interrupted'],
  [22, 'still going on'],
  [23, 'internal'],
])

/** The status in an answer; undefined when it is another kind of answer. */
export function statusOf(answer: AfcPacket): number | undefined {
  return answer.operation === AFC.status ? numberIn(answer) : undefined
}

/** Nothing is at the path that was asked about. */
export function isMissing(answer: AfcPacket): boolean {
  return MISSING.has(statusOf(answer) ?? OK)
}

/** `asking` completes the sentence "The phone refused …". */
export function checkOk(answer: AfcPacket, asking: string): void {
  if (statusOf(answer) !== OK) throw refused(answer, asking)
}

/** Content, wherever it stands: most phones put it behind the header, some sources have it in the header's own part. */
export function dataOf(answer: AfcPacket, asking: string): Uint8Array {
  if (answer.operation !== AFC.data) throw refused(answer, asking)
  return bodyOf(answer)
}

/** The handle of a file that was opened. */
export function handleOf(answer: AfcPacket, asking: string): bigint {
  const body = bodyOf(answer)
  if (answer.operation !== AFC.opened || body.length < 8) throw refused(answer, asking)
  return viewOf(body).getBigUint64(0, true)
}

/** Texts with NUL between or behind them; the empty ones are left out. */
export function namesOf(bytes: Uint8Array): readonly string[] {
  return fromUtf8(bytes)
    .split('\0')
    .filter((name) => name !== '')
}

/** A description: pairs of texts, all of which may be missing or nonsense. */
export function statOf(bytes: Uint8Array): AfcStat {
  const pairs = pairsOf(bytes)
  return known<AfcStat>({
    kind: KINDS.get(pairs.get('st_ifmt')) ?? 'other',
    sizeBytes: countOf(pairs.get('st_size')) ?? 0,
    modifiedMs: msOf(pairs.get('st_mtime')) ?? 0,
    createdMs: msOf(pairs.get('st_birthtime')),
    linkTarget: pairs.get('LinkTarget'),
  })
}

export function deviceInfoOf(bytes: Uint8Array): AfcDeviceInfo {
  const pairs = pairsOf(bytes)
  return known<AfcDeviceInfo>({
    model: pairs.get('Model'),
    totalBytes: countOf(pairs.get('FSTotalBytes')),
    freeBytes: countOf(pairs.get('FSFreeBytes')),
    blockBytes: countOf(pairs.get('FSBlockSize')),
  })
}

/** The phone did not do it: `device.file-refused`, with its status and what that means. */
export function refused(answer: AfcPacket, asking: string): Error {
  const status = statusOf(answer)
  const meaning = status === undefined ? undefined : MEANINGS.get(status)
  const why = status === undefined ? `answer ${answer.operation}` : `error ${status}${meaning ? `: ${meaning}` : ''}`
  return deviceError('device.file-refused', `The phone refused ${printable(asking)} (AFC ${why})`, {
    remedy: status === NO_SPACE ? 'Make room on the phone and try again' : 'Unlock the phone and try again',
  })
}

const KINDS: ReadonlyMap<string | undefined, AfcStat['kind']> = new Map([
  ['S_IFREG', 'file'],
  ['S_IFDIR', 'folder'],
  ['S_IFLNK', 'link'],
])

function numberIn(answer: AfcPacket): number | undefined {
  const body = bodyOf(answer)
  return body.length < 8 ? undefined : Number(viewOf(body).getBigUint64(0, true))
}

function bodyOf({ fixed, payload }: AfcPacket): Uint8Array {
  return fixed.length === 0 ? payload : concatBytes([fixed, payload])
}

/** An empty value is one: only the last NUL ends nothing. */
function pairsOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  const texts = fromUtf8(bytes).split('\0')
  const pairs = new Map<string, string>()
  for (let index = 0; index + 1 < texts.length; index += 2) pairs.set(texts[index]!, texts[index + 1]!)
  return pairs
}

function countOf(text: string | undefined): number | undefined {
  const count = /^\d{1,19}$/.test(text ?? '') ? Number(text) : Number.NaN
  return Number.isSafeInteger(count) ? count : undefined
}

/** Nanoseconds since 1970, before which there were no phones. */
function msOf(text: string | undefined): number | undefined {
  return /^\d{1,20}$/.test(text ?? '') ? Number(BigInt(text!) / 1_000_000n) : undefined
}
