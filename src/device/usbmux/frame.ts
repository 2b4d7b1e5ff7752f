import { viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { dictOf, encodeXmlPlist, parsePlist } from '../../plist/index.ts'

const HEADER_BYTES = 16
const VERSION_PLIST = 1
const MESSAGE_PLIST = 8
/** Largest message accepted from usbmuxd; a list of hundreds of phones is some 100 KiB. */
const MUX_BYTES_MAX = 1 << 20

export interface MuxMessage {
  /** Repeats the request's; 0 in events. */
  readonly tag: number
  readonly body: PlistDict
}

/**
 * The header before every message: u32 size (these 16 bytes counted), u32 version 1, u32 kind 8 (plist), u32 tag, all
 * little-endian. Source: docs/protocol/usbmux.md.
 */
export function encodeMuxHeader({ payloadBytes, tag }: { payloadBytes: number; tag: number }): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(HEADER_BYTES)
  const view = viewOf(header)
  view.setUint32(0, HEADER_BYTES + payloadBytes, true)
  view.setUint32(4, VERSION_PLIST, true)
  view.setUint32(8, MESSAGE_PLIST, true)
  view.setUint32(12, tag, true)
  return header
}

/** Device ports travel with their two bytes swapped. Source: docs/protocol/usbmux.md. */
export function swapPort(port: number): number {
  return ((port & 0xff) << 8) | (port >> 8)
}

/** usbmuxd's own clients write XML; so do we. */
export async function writeMuxMessage(channel: ByteChannel, message: MuxMessage, options: WaitOptions): Promise<void> {
  const payload = encodeXmlPlist(message.body)
  await channel.write([encodeMuxHeader({ payloadBytes: payload.length, tag: message.tag }), payload], options)
}

/** Reads exactly one message: not a byte of what follows it is touched. */
export async function readMuxMessage(channel: ByteChannel, options: WaitOptions): Promise<MuxMessage> {
  const view = viewOf(await channel.readExactly(HEADER_BYTES, options))
  const word = (offset: number) => view.getUint32(offset, true)
  const [size, version, kind] = [word(0), word(4), word(8)]
  if (size < HEADER_BYTES || size > MUX_BYTES_MAX) throw badFrame(`usbmuxd announced a message of ${size} bytes`)
  if (version !== VERSION_PLIST || kind !== MESSAGE_PLIST) {
    throw badFrame(`usbmuxd answered with version ${version}, kind ${kind} instead of a property list`)
  }
  const body = dictOf(parsePlist(await channel.readExactly(size - HEADER_BYTES, options)))
  if (body === undefined) throw badFrame('usbmuxd sent something other than a dictionary')
  return { tag: word(12), body }
}
