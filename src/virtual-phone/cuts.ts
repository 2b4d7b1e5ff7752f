import type { Duplex } from 'node:stream'
import { orAbort } from '../base/abort.ts'
import { type ByteChannel, type WaitOptions, wireClosed } from '../base/channel.ts'

/** A cable to be pulled in the middle of a connection: how much of it the phone still gets out. */
export interface Cut {
  /** The service whose next connection is cut. */
  readonly service: string
  /** Bytes of the service's own protocol (inside TLS) that the phone still sends. */
  readonly bytes: number
}

/** The same channel, but after `bytes` written bytes the stream under it is destroyed, and writing throws `wire.closed`. */
export function cutChannel(channel: ByteChannel, { bytes, stream }: { bytes: number; stream: Duplex }): ByteChannel {
  let left = bytes
  const writeOne = async (piece: Uint8Array, options: WaitOptions) => {
    const sent = piece.subarray(0, left)
    left -= sent.length
    await channel.write(sent, options)
    if (left > 0) return
    await orAbort(flushed(stream), options.signal)
    stream.destroy()
    throw wireClosed(`The connection was cut after ${bytes} bytes, as asked`)
  }
  return {
    readExactly: (size, options) => channel.readExactly(size, options),
    readSome: (sizeMax, options) => channel.readSome(sizeMax, options),
    async write(pieces, options) {
      for (const piece of pieces instanceof Uint8Array ? [pieces] : pieces) await writeOne(piece, options)
    },
    detach: () => channel.detach(),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

/** Resolves when everything written so far has left the process, or the stream is gone. */
async function flushed(stream: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.write('', () => resolve())
  await promise
}
