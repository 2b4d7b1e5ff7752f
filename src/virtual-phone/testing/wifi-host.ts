import { connect } from 'node:net'
import makeMdns, { type MulticastDNS, type QueryOutgoingPacket, type ResponsePacket } from 'multicast-dns'
import { NEVER } from '../../base/abort.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { lookEvery } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'

/** A connection straight to a port, without a mux server. */
export function dialTcp({ address, port }: { address: string; port: number }): ByteChannel {
  return openChannel(connect(port, address))
}

/** Has the other end ended it, in whatever way? Waits until it says something. */
export async function hasEnded(channel: ByteChannel): Promise<boolean> {
  try {
    return (await channel.readSome(1, { signal: NEVER })) === undefined
  } catch (error) {
    if (isAppError(error, 'wire.closed')) return true
    throw error
  }
}

/** What a computer hears of multicast DNS on the loopback interface. */
export interface MdnsHost extends AsyncDisposable {
  readonly mdns: MulticastDNS
  /** Asks until it is answered, or only listens; resolves with the next response that fits. */
  hear(fits: (response: ResponsePacket) => boolean, ask?: QueryOutgoingPacket): Promise<ResponsePacket>
}

export async function openMdnsHost(port: number): Promise<MdnsHost> {
  const mdns = makeMdns({ port, interface: '127.0.0.1', bind: '0.0.0.0', loopback: true, reuseAddr: true })
  await new Promise<void>((resolve, reject) => mdns.once('ready', resolve).once('error', reject))
  return {
    mdns,
    async hear(fits, ask) {
      const { promise, resolve } = Promise.withResolvers<ResponsePacket>()
      const listener = (response: ResponsePacket) => fits(response) && resolve(response)
      mdns.on('response', listener)
      const askAll = () => ask !== undefined && mdns.query(ask)
      askAll()
      using _again = lookEvery(200, askAll)
      return await promise.finally(() => mdns.off('response', listener))
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => mdns.destroy(resolve)),
  }
}

/** A UDP port that no other test is likely to use, far from 5353. */
export function mdnsPortForTests(): number {
  return 20_000 + (process.pid % 10_000)
}
