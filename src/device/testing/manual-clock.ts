import type { Clock } from '../../base/clock.ts'

/** A clock for tests: it stands still, and a sleep is over when `pass` says so. */
export interface ManualClock extends Clock {
  /** How many sleep now. */
  readonly sleepers: number
  pass(ms: number): void
}

export function manualClock(): ManualClock {
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  return {
    get sleepers() {
      return sleepers.size
    },
    nowMs: () => nowMs,
    elapsedMs: () => nowMs,
    async sleep(ms, { signal }) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { untilMs: nowMs + ms, wake: resolve }
      const onAbort = () => reject(signal.reason)
      sleepers.add(sleeper)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await promise
      } finally {
        sleepers.delete(sleeper)
        signal.removeEventListener('abort', onAbort)
      }
    },
    pass: (ms) => {
      nowMs += ms
      for (const { untilMs, wake } of sleepers) if (untilMs <= nowMs) wake()
    },
  }
}
