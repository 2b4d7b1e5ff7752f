import { orAbort } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'

/** A clock that stands still until a test moves it. */
export interface StoppedClock extends Clock {
  /** Moves both times on and wakes those whose sleep is over. */
  pass(ms: number): void
}

/** Starts at the given time, milliseconds since 1970; or at 2026-11-02 03:04:05 UTC. */
export function stoppedClock(startMs = Date.UTC(2026, 10, 2, 3, 4, 5)): StoppedClock {
  let passedMs = 0
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  return {
    nowMs: () => startMs + passedMs,
    elapsedMs: () => passedMs,
    sleep: async (ms, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const sleeper = { untilMs: passedMs + ms, wake: resolve }
      sleepers.add(sleeper)
      await orAbort(promise, signal).finally(() => sleepers.delete(sleeper))
    },
    pass: (ms) => {
      passedMs += ms
      for (const { untilMs, wake } of sleepers) if (untilMs <= passedMs) wake()
    },
  }
}
