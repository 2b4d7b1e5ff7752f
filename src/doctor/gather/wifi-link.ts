import type { WaitOptions } from '../../base/channel.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { type Lockdown, openLockdown, type Phone, withinTime } from '../../device/index.ts'
import type { LinkQuality } from '../engine.ts'
import { tooSlow } from './look.ts'

const ROUND_TRIPS = 20
/** Slower than this is as good as lost. */
const ROUND_TRIP_MS_MAX = 1500
const ALL_MS_MAX = 6000

/**
 * How well the Wi-Fi carries: the smallest question that lockdownd answers, twenty times or for six seconds. Throws what was in
 * the way when not one answer came. Source: docs/protocol/doctor.md#wi-fi
 */
export async function measureLink(phone: Phone, { signal }: WaitOptions): Promise<LinkQuality> {
  await using connection = new Connection(phone)
  const startedMs = phone.clock.elapsedMs()
  const times: number[] = []
  let failure: unknown
  let tries = 0
  while (tries < ROUND_TRIPS && phone.clock.elapsedMs() - startedMs < ALL_MS_MAX) {
    tries++
    try {
      times.push(await connection.roundTripMs({ signal }))
    } catch (error) {
      signal.throwIfAborted()
      if (!isAppError(error) && !isSystemError(error)) throw error
      failure = error
      await connection.drop()
    }
  }
  if (times.length === 0) throw failure
  return qualityOf(times, tries)
}

/** The median, and what one of twenty is slower than. */
export function qualityOf(times: readonly number[], tries: number): LinkQuality {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { medianMs: Math.round(at(0.5)), slowMs: Math.round(at(0.95)), lostShare: (tries - times.length) / tries }
}

/** A conversation with lockdownd that is begun anew after it broke. */
class Connection implements AsyncDisposable {
  readonly #phone: Phone
  #lockdown: Lockdown | undefined

  constructor(phone: Phone) {
    this.#phone = phone
  }

  async roundTripMs({ signal }: WaitOptions): Promise<number> {
    const { clock } = this.#phone
    return await withinTime(
      { ms: ROUND_TRIP_MS_MAX, clock, late: () => tooSlow(ROUND_TRIP_MS_MAX), signal },
      async (signal) => {
        this.#lockdown ??= await openLockdown(this.#phone.dial, { clock, signal })
        const askedMs = clock.elapsedMs()
        await this.#lockdown.ask({ Request: 'QueryType' }, { signal })
        return clock.elapsedMs() - askedMs
      },
    )
  }

  async drop(): Promise<void> {
    const lockdown = this.#lockdown
    this.#lockdown = undefined
    await lockdown?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop()
  }
}
