import type { Clock } from '../../base/clock.ts'

/** A clock that stands still until somebody moves it. Sleeps of less than a second are over at once. */
export interface TestClock extends Clock {
  /** Moves on, and lets everything that has slept long enough wake up. */
  advance(ms: number): Promise<void>
}

/** A clock that begins at that time. */
export function createTestClock(startMs = Date.parse('2026-01-02T03:04:05Z')): TestClock {
  let elapsedMs = 0
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  return {
    nowMs: () => startMs + elapsedMs,
    elapsedMs: () => elapsedMs,
    sleep: async (ms, { signal }) => {
      signal.throwIfAborted()
      if (ms < 1000) return
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
    advance: async (ms) => {
      elapsedMs += ms
      for (const sleeper of sleepers) if (sleeper.untilMs <= elapsedMs) sleeper.wake()
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
