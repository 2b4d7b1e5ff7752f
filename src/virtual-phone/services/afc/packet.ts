import { equalBytes, utf8, viewOf } from '../../../base/bytes.ts'
import { type ByteChannel, badFrame, type WaitOptions } from '../../../base/channel.ts'
import { readHeader } from '../../read-header.ts'

const AFC_HEADER_BYTES = 40

/** Hosts send at most a few MiB in one packet. */
const AFC_PACKET_BYTES_MAX = 16 * 2 ** 20

const MAGIC = utf8('CFA6LPAA')

/** What the host may ask. Source: docs/protocol/small-services.md#afc */
export const OPERATION = {
  readFolder: 0x03,
  truncate: 0x07,
  remove: 0x08,
  makeFolder: 0x09,
  fileInfo: 0x0a,
  deviceInfo: 0x0b,
  openFile: 0x0d,
  readFile: 0x0f,
  writeFile: 0x10,
  seek: 0x11,
  tell: 0x12,
  closeFile: 0x14,
  setSize: 0x15,
  rename: 0x18,
  lock: 0x1b,
  makeLink: 0x1c,
  setModifiedTime: 0x1e,
  removeAll: 0x22,
} as const

const ANSWER_STATUS = 0x01
const ANSWER_DATA = 0x02
const ANSWER_HANDLE = 0x0e
const ANSWER_POSITION = 0x13

/** Source: docs/protocol/small-services.md#afc */
export const STATUS = {
  ok: 0,
  unknown: 1,
  unknownPacket: 6,
  invalidArgument: 7,
  notFound: 8,
  isFolder: 9,
  unsupported: 15,
  exists: 16,
  noSpace: 18,
  wouldBlock: 19,
} as const

export type AfcStatus = (typeof STATUS)[keyof typeof STATUS]

export interface AfcRequest {
  /** Echoed in the answer. */
  readonly number: bigint
  readonly operation: number
  /** Arguments and payload together: peers split them differently. */
  readonly body: Uint8Array
}

export type AfcAnswer =
  | { readonly kind: 'status'; readonly status: AfcStatus }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'handle'; readonly handle: bigint }
  | { readonly kind: 'position'; readonly position: number }

/**
 * Wire, little-endian: magic, u64 size of all, u64 size without payload, u64 number, u64 operation, body.
 * Undefined when the host has gone; throws `wire.bad-frame` for sizes or a magic that cannot be.
 */
export async function readAfcRequest(channel: ByteChannel, { signal }: WaitOptions): Promise<AfcRequest | undefined> {
  const header = await readHeader(channel, AFC_HEADER_BYTES, { signal })
  if (header === undefined) return undefined
  if (!equalBytes(header.subarray(0, 8), MAGIC)) throw badFrame('An AFC packet does not begin with its magic')
  const view = viewOf(header)
  const size = view.getBigUint64(8, true)
  const sizeWithoutPayload = view.getBigUint64(16, true)
  const isPossible =
    size <= AFC_PACKET_BYTES_MAX && sizeWithoutPayload >= AFC_HEADER_BYTES && sizeWithoutPayload <= size
  if (!isPossible) throw badFrame(`An AFC packet claims ${size} bytes, ${sizeWithoutPayload} without its payload`)
  return {
    number: view.getBigUint64(24, true),
    operation: Number(view.getBigUint64(32, true)),
    body: await channel.readExactly(Number(size) - AFC_HEADER_BYTES, { signal }),
  }
}

/** Header and body of the answer; content goes into the payload part, where go-ios and idevice look for it. */
export function encodeAfcAnswer(answer: AfcAnswer, { number }: { number: bigint }): readonly Uint8Array[] {
  switch (answer.kind) {
    case 'data':
      return encodePacket({ number, operation: ANSWER_DATA, payload: answer.bytes })
    case 'status':
      return encodePacket({ number, operation: ANSWER_STATUS, argument: BigInt(answer.status) })
    case 'handle':
      return encodePacket({ number, operation: ANSWER_HANDLE, argument: answer.handle })
    case 'position':
      return encodePacket({ number, operation: ANSWER_POSITION, argument: BigInt(answer.position) })
  }
}

interface Packet {
  readonly number: bigint
  readonly operation: number
  readonly argument?: bigint
  readonly payload?: Uint8Array
}

function encodePacket({ number, operation, argument, payload }: Packet): readonly Uint8Array[] {
  const head = new Uint8Array(AFC_HEADER_BYTES + (argument === undefined ? 0 : 8))
  head.set(MAGIC)
  const view = viewOf(head)
  const words = [
    head.length + (payload?.length ?? 0),
    head.length,
    number,
    operation,
    ...(argument === undefined ? [] : [argument]),
  ]
  for (const [index, word] of words.entries()) view.setBigUint64(8 + 8 * index, BigInt(word), true)
  return payload === undefined || payload.length === 0 ? [head] : [head, payload]
}
