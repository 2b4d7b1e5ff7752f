import { viewOf } from '../../base/bytes.ts'
import { type ByteChannel, badFrame, type WaitOptions } from '../../base/channel.ts'
import { dictOf, encodeXmlPlist, type PlistDict, parsePlist } from '../../plist/index.ts'
import { readHeader } from '../read-header.ts'

const HEADER_BYTES = 16

/** The real daemon holds at most 64 KiB of a client's message. */
export const MESSAGE_BYTES_MAX = 1 << 16

const VERSION_BINARY = 0
const VERSION_PLIST = 1
const KIND_RESULT = 1
const KIND_PLIST = 8

/** What a command came to. Source: docs/protocol/usbmux.md#results */
export const RESULT = { ok: 0, badCommand: 1, badDevice: 2, connectionRefused: 3, badVersion: 6, invalid: 22 } as const

export type MuxResult = (typeof RESULT)[keyof typeof RESULT]

/** A client's message. The command is undefined when the message is framed well but says nothing that can be understood. */
export interface MuxRequest {
  readonly tag: number
  readonly isBinary: boolean
  readonly command: PlistDict | undefined
}

/**
 * An answer (with its request's tag) or an event (tag 0), always as an XML plist: libusbmuxd reads no other.
 * Wire, little-endian: u32 size of all, u32 version 1, u32 kind 8, u32 tag, plist. Source: docs/protocol/usbmux.md#framing
 */
export function encodeMuxMessage(message: PlistDict, { tag }: { tag: number }): Uint8Array {
  return encodeFrame(encodeXmlPlist(message), { version: VERSION_PLIST, kind: KIND_PLIST, tag })
}

export function encodeMuxResult(result: MuxResult, { tag }: { tag: number }): Uint8Array {
  return encodeMuxMessage({ MessageType: 'Result', Number: result }, { tag })
}

/** The answer to a client of the old binary protocol, which is not spoken here: u32 result code 6. */
export function encodeBinaryRefusal({ tag }: { tag: number }): Uint8Array {
  const code = new Uint8Array(4)
  viewOf(code).setUint32(0, RESULT.badVersion, true)
  return encodeFrame(code, { version: VERSION_BINARY, kind: KIND_RESULT, tag })
}

function encodeFrame(
  body: Uint8Array,
  { version, kind, tag }: { version: number; kind: number; tag: number },
): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length)
  const view = viewOf(frame)
  for (const [index, word] of [frame.length, version, kind, tag].entries()) view.setUint32(4 * index, word, true)
  frame.set(body, HEADER_BYTES)
  return frame
}

/** Undefined when the client has gone. Throws `wire.bad-frame` for an impossible size, since nothing after it can be read. */
export async function readMuxRequest(channel: ByteChannel, { signal }: WaitOptions): Promise<MuxRequest | undefined> {
  const bytes = await readHeader(channel, HEADER_BYTES, { signal })
  if (bytes === undefined) return undefined
  const header = viewOf(bytes)
  const size = header.getUint32(0, true)
  if (size < HEADER_BYTES || size > MESSAGE_BYTES_MAX) throw badFrame(`A mux message claims ${size} bytes`)
  const body = await channel.readExactly(size - HEADER_BYTES, { signal })
  const isPlist = header.getUint32(8, true) === KIND_PLIST
  return {
    tag: header.getUint32(12, true),
    isBinary: header.getUint32(4, true) === VERSION_BINARY,
    command: isPlist ? decodeCommand(body) : undefined,
  }
}

function decodeCommand(body: Uint8Array): PlistDict | undefined {
  try {
    return dictOf(parsePlist(body))
  } catch {
    return undefined
  }
}

/** Connect carries the port with its two bytes swapped: 62078 travels as 32498. */
export function swapPort(port: number): number {
  return ((port & 0xff) << 8) | ((port >> 8) & 0xff)
}
