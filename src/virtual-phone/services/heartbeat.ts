import { type ByteChannel, type WaitOptions, wireClosed } from '../../base/channel.ts'
import { textOf } from '../../plist/index.ts'
import { Outbox } from '../outbox.ts'
import { encodePlistFrame, readRequests } from '../plist-frames.ts'
import type { ServicePhone } from './service.ts'

const INTERVAL_S = 10

/** Marcos without a Polo after which a host on the network is gone for the phone. */
const UNANSWERED_MAX = 2

/** Messages that wait for a slow host; above it the host is disconnected. */
const MESSAGES_WAITING_MAX = 10

const MARCO = encodePlistFrame({ Command: 'Marco', Interval: INTERVAL_S, SupportsSleepyTime: true })
const SLEEPY_TIME = encodePlistFrame({ Command: 'SleepyTime' })

/**
 * Says Marco at once and every ten seconds. A host on the network that leaves two of them without a Polo loses all its
 * connections; on a cable nothing happens. Before the phone sleeps it says SleepyTime, and its hosts on the network are cut.
 * Source: docs/protocol/small-services.md#heartbeat
 */
export async function serveHeartbeat(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  phone.link?.beats()
  const outbox = new Outbox(channel, { signal, framesMax: MESSAGES_WAITING_MAX })
  const asleep = Promise.withResolvers<'asleep'>()
  using cleanup = new DisposableStack()
  cleanup.defer(phone.power.add(({ what }) => what === 'sleep' && asleep.resolve('asleep')))
  const over = new AbortController()
  cleanup.defer(() => over.abort())
  const beat: Beat = { unanswered: 0 }
  const end = await Promise.race([
    countPolos(channel, beat, { signal: outbox.signal }),
    sayMarco(outbox, { phone, beat, signal: AbortSignal.any([outbox.signal, over.signal]) }),
    asleep.promise,
  ])
  if (end !== 'asleep') return
  outbox.post(SLEEPY_TIME)
  await outbox.flush()
  phone.link?.cutHost(wireClosed('The phone sleeps'))
}

interface Beat {
  unanswered: number
}

/** Resolves when the host has gone. */
async function countPolos(channel: ByteChannel, beat: Beat, { signal }: WaitOptions): Promise<void> {
  for await (const message of readRequests(channel, { signal })) {
    if (textOf(message.Command) === 'Polo') beat.unanswered = 0
  }
}

async function sayMarco(
  outbox: Outbox,
  { phone, beat, signal }: WaitOptions & { phone: ServicePhone; beat: Beat },
): Promise<never> {
  for (;;) {
    outbox.post(MARCO)
    beat.unanswered++
    await phone.clock.sleep(INTERVAL_S * 1000, { signal })
    if (beat.unanswered >= UNANSWERED_MAX) phone.link?.cutHost(wireClosed('The computer does not answer heartbeats'))
  }
}
