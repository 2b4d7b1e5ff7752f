import { concatBytes } from '../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../base/channel.ts'

/**
 * The first `size` bytes of a message, or undefined when the other end has gone between two messages, which is its right.
 * Throws `wire.closed` when it goes in the middle of them.
 */
export async function readHeader(
  channel: ByteChannel,
  size: number,
  { signal }: WaitOptions,
): Promise<Uint8Array | undefined> {
  const first = await channel.readSome(size, { signal })
  if (first === undefined || first.length === size) return first
  return concatBytes([first, await channel.readExactly(size - first.length, { signal })])
}
