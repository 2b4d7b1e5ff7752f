import { duplexPair } from 'node:stream'
import { NEVER } from '../../base/abort.ts'
import { concatBytes } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { openChannel } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { dictOf, encodeXmlPlist, parsePlist } from '../../plist/index.ts'

/** Two ends of one wire, for tests that play the phone by hand. */
export function wire(): { readonly near: ByteChannel; readonly far: ByteChannel } {
  const [near, far] = duplexPair({ highWaterMark: 1 << 20 })
  return { near: openChannel(near), far: openChannel(far) }
}

/** A channel on which exactly these bytes arrive, in these pieces, and then the end. */
export function wireOf(...pieces: readonly Uint8Array[]): ByteChannel {
  const [near, far] = duplexPair({ highWaterMark: 64 << 20 })
  far.resume()
  for (const piece of pieces) far.write(piece)
  far.end()
  return openChannel(near)
}

/** Bytes from hex with spaces. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ''))
}

/** A frame as phones send it: u32 big-endian size, payload. Written apart from the code under test. */
export function framed(...parts: readonly Uint8Array[]): Uint8Array {
  const payload = concatBytes([new Uint8Array(0), ...parts])
  const head = Buffer.alloc(4)
  head.writeUInt32BE(payload.length)
  return Buffer.concat([head, payload])
}

export function framedPlist(value: Plist): Uint8Array {
  return framed(encodeXmlPlist(value))
}

/** Every way to cut the bytes in two, and all of them one by one. */
export function everySplitOf(bytes: Uint8Array): readonly (readonly Uint8Array[])[] {
  const cuts = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)])
  return [...cuts, Array.from(bytes, (byte) => Uint8Array.of(byte))]
}

/** Plays a plist service on the far end: each request is noted and gets the next answers. */
export async function answering(far: ByteChannel, ...answers: readonly (readonly Plist[])[]): Promise<PlistDict[]> {
  const requests: PlistDict[] = []
  for (const replies of answers) {
    const size = Buffer.from(await far.readExactly(4, { signal: NEVER })).readUInt32BE()
    requests.push(dictOf(parsePlist(await far.readExactly(size, { signal: NEVER }))) ?? {})
    for (const reply of replies) await far.write(framedPlist(reply), { signal: NEVER })
  }
  return requests
}
