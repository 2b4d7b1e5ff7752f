import type { Clock } from '../../base/clock.ts'

/**
 * A clock for work that waits for servers: pauses are over at once, and count; a watch for stalls waits for `skip`. The time of
 * day stands still, since servers compare it with theirs.
 */
export interface SkippingClock extends Clock {
  /** Every pause that was made, in milliseconds. */
  readonly pausesMs: readonly number[]
  /** Lets that much time pass for whoever waits. */
  skip(ms: number): void
}

/** Longer waits are those that nobody hopes to see end. */
const PAUSE_MS_MAX = 60_000

/** It is always that time. */
export function createSkippingClock(nowMs = Date.parse('2026-01-02T03:04:05Z')): SkippingClock {
  let elapsedMs = 0
  const pausesMs: number[] = []
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  return {
    pausesMs,
    nowMs: () => nowMs,
    elapsedMs: () => elapsedMs,
    sleep: async (ms, { signal }) => {
      signal.throwIfAborted()
      if (ms <= PAUSE_MS_MAX) {
        pausesMs.push(ms)
        elapsedMs += ms
        return
      }
      const woken = Promise.withResolvers<void>()
      const sleeper = { untilMs: elapsedMs + ms, wake: woken.resolve }
      const onAbort = () => woken.reject(signal.reason)
      sleepers.add(sleeper)
      signal.addEventListener('abort', onAbort, { once: true })
      await woken.promise.finally(() => {
        sleepers.delete(sleeper)
        signal.removeEventListener('abort', onAbort)
      })
    },
    skip: (ms) => {
      elapsedMs += ms
      for (const sleeper of sleepers) if (sleeper.untilMs <= elapsedMs) sleeper.wake()
    },
  }
}
