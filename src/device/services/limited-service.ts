import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { notAnswering } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import { withinTime } from '../time-limit.ts'

/** Longest wait for one answer, unless a service is known to take longer. */
const ANSWER_MS_MAX = 60_000

/**
 * Starts a service that answers what it is asked: a stuck one ends every wait with `device.not-answering`. Not for services
 * that speak by themselves, which may be silent for hours. The caller closes the stream.
 */
export async function openLimitedService(
  phone: Phone,
  service: string,
  { signal, answerMsMax = ANSWER_MS_MAX }: WaitOptions & { readonly answerMsMax?: number },
): Promise<ByteChannel> {
  const channel = await openService(phone, service, { signal })
  return limitedChannel(channel, { who: `The phone's ${service}`, ms: answerMsMax, clock: phone.clock })
}

export interface AnswerLimit {
  /** Who did not answer, for the error. */
  readonly who: string
  readonly ms: number
  readonly clock: Clock
}

/** The same channel, but a read or write that takes longer than the limit destroys it and throws `device.not-answering`. */
export function limitedChannel(channel: ByteChannel, { who, ms, clock }: AnswerLimit): ByteChannel {
  const limit = { ms, clock, late: () => notAnswering(who, ms / 1000) }
  return {
    readExactly: (size, { signal }) =>
      withinTime({ ...limit, signal }, (signal) => channel.readExactly(size, { signal })),
    readSome: (sizeMax, { signal }) =>
      withinTime({ ...limit, signal }, (signal) => channel.readSome(sizeMax, { signal })),
    write: (bytes, { signal }) => withinTime({ ...limit, signal }, (signal) => channel.write(bytes, { signal })),
    detach: () => channel.detach(),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}
