import { viewOf } from '../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../base/channel.ts'
import { badFrame } from '../base/channel.ts'
import type { Plist, PlistDict } from '../plist/index.ts'
import { dictOf, encodeBinaryPlist, encodeXmlPlist, parsePlist } from '../plist/index.ts'

/** Largest answer accepted from lockdownd. Its largest known answer, all values at once, is some 20 KiB. */
export const LOCKDOWN_BYTES_MAX = 4 << 20
/** Largest answer accepted from a small service: an app list with icons and receipts can be several MiB. */
export const SERVICE_BYTES_MAX = 64 << 20

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

/** Reads one framed property list, XML or binary. More than `bytesMax` is refused before a byte of it is read. */
export async function readPlist(
  channel: ByteChannel,
  { signal, bytesMax }: WaitOptions & { readonly bytesMax: number },
): Promise<Plist> {
  const size = viewOf(await channel.readExactly(4, { signal })).getUint32(0)
  if (size > bytesMax) throw badFrame(`The phone announced a message of ${size} bytes; the limit is ${bytesMax}`)
  return parsePlist(await channel.readExactly(size, { signal }))
}

/** Reads one framed dictionary: what every small service sends. An empty frame counts as an empty dictionary. */
export async function readDict(
  channel: ByteChannel,
  options: WaitOptions & { readonly bytesMax: number },
): Promise<PlistDict> {
  const value = dictOf(await readPlist(channel, options))
  if (value === undefined) throw badFrame('The phone sent something other than a dictionary')
  return value
}

/** One question, one answer, over XML. */
export async function ask(
  channel: ByteChannel,
  question: PlistDict,
  { signal, bytesMax = SERVICE_BYTES_MAX }: WaitOptions & { readonly bytesMax?: number },
): Promise<PlistDict> {
  await writePlist(channel, question, { signal })
  return readDict(channel, { signal, bytesMax })
}
