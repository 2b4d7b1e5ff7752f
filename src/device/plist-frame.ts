import { viewOf } from '../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../base/channel.ts'
import { badFrame } from '../base/channel.ts'
import type { Plist, PlistDict } from '../plist/index.ts'
import { dictOf, encodeBinaryPlist, encodeXmlPlist, parsePlist } from '../plist/index.ts'

/** Largest answer accepted to one question. The largest known, all values of lockdownd at once, is some 20 KiB. */
const ANSWER_BYTES_MAX = 4 << 20

/** u32 big-endian size, then the payload. Source: docs/protocol/lockdown.md. */
export function encodeFrameHead(payloadBytes: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(4)
  viewOf(head).setUint32(0, payloadBytes)
  return head
}

/** Writes one framed property list; phones take either form, and their small services are usually sent XML. */
export async function writePlist(
  channel: ByteChannel,
  value: Plist,
  { signal, form = 'xml' }: WaitOptions & { readonly form?: 'xml' | 'binary' },
): Promise<void> {
  const payload = form === 'xml' ? encodeXmlPlist(value) : encodeBinaryPlist(value)
  await channel.write([encodeFrameHead(payload.length), payload], { signal })
}

/** Reads one frame's payload. More than `bytesMax` is refused before a byte of it is read. */
export async function readFrame(
  channel: ByteChannel,
  { signal, bytesMax }: WaitOptions & { readonly bytesMax: number },
): Promise<Uint8Array> {
  const size = viewOf(await channel.readExactly(4, { signal })).getUint32(0)
  if (size > bytesMax) throw badFrame(`The phone announced a message of ${size} bytes; the limit is ${bytesMax}`)
  return channel.readExactly(size, { signal })
}

/** Reads one framed property list, XML or binary. */
export async function readPlist(
  channel: ByteChannel,
  options: WaitOptions & { readonly bytesMax: number },
): Promise<Plist> {
  return parsePlist(await readFrame(channel, options))
}

/** Reads one framed dictionary: what every small service sends. */
export async function readDict(
  channel: ByteChannel,
  options: WaitOptions & { readonly bytesMax: number },
): Promise<PlistDict> {
  return parseDict(await readFrame(channel, options))
}

/** A frame's payload as the dictionary that it must be; an empty frame stands for an empty one. */
export function parseDict(payload: Uint8Array): PlistDict {
  if (payload.length === 0) return {}
  const value = dictOf(parsePlist(payload))
  if (value === undefined) throw badFrame('The phone sent something other than a dictionary')
  return value
}

/** One question, one answer, over XML. */
export async function ask(channel: ByteChannel, question: PlistDict, { signal }: WaitOptions): Promise<PlistDict> {
  await writePlist(channel, question, { signal })
  return readDict(channel, { bytesMax: ANSWER_BYTES_MAX, signal })
}
