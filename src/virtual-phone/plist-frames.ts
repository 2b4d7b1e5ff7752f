import { viewOf } from '../base/bytes.ts'
import { type ByteChannel, badFrame, type WaitOptions } from '../base/channel.ts'
import { dictOf, encodeXmlPlist, type Plist, type PlistDict, parsePlist } from '../plist/index.ts'
import { readHeader } from './read-header.ts'

/** Requests to lockdownd and to the small services are a few KiB; a larger one is a mistake or an attack. */
const REQUEST_BYTES_MAX = 1 << 20

/** What a request may expand to: a binary plist can name one long text many times. */
const LIMITS = { outputBytesMax: 2 * REQUEST_BYTES_MAX, visitsMax: 100_000 }

/** One frame as lockdownd and every "plist service" writes it: u32 big-endian size, then an XML plist. */
export function encodePlistFrame(value: Plist): Uint8Array {
  const body = encodeXmlPlist(value)
  const frame = new Uint8Array(4 + body.length)
  viewOf(frame).setUint32(0, body.length)
  frame.set(body, 4)
  return frame
}

/** Writes one frame. Source: docs/protocol/lockdown.md#framing */
export async function writePlistFrame(channel: ByteChannel, value: Plist, { signal }: WaitOptions): Promise<void> {
  await channel.write(encodePlistFrame(value), { signal })
}

/**
 * The requests of one host, XML or binary, one after the other, until it has gone.
 * Throws `wire.bad-frame` for a frame that is too large or not a dictionary, and the plist errors for one that does not parse.
 */
export async function* readRequests(channel: ByteChannel, { signal }: WaitOptions): AsyncGenerator<PlistDict> {
  for (;;) {
    const request = await readRequest(channel, { signal })
    if (request === undefined) return
    yield request
  }
}

async function readRequest(channel: ByteChannel, { signal }: WaitOptions): Promise<PlistDict | undefined> {
  const header = await readHeader(channel, 4, { signal })
  if (header === undefined) return undefined
  const size = viewOf(header).getUint32(0)
  if (size === 0 || size > REQUEST_BYTES_MAX)
    throw badFrame(`A request claims ${size} bytes, limit ${REQUEST_BYTES_MAX}`)
  const request = dictOf(parsePlist(await channel.readExactly(size, { signal }), LIMITS))
  if (request === undefined) throw badFrame('A request is not a dictionary')
  return request
}
