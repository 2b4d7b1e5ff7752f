import type { Clock } from '../../base/clock.ts'

/** A clock for tests: a sleep is over when `pass` says so, or at once after `rush()`. */
export interface ManualClock extends Clock {
  /** How long each sleep was to be. */
  readonly sleptMs: number[]
  pass(ms: number): void
  rush(): void
}

export function manualClock(): ManualClock {
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)
  let isRushing = false
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  const wakeUntil = (ms: number) => {
    nowMs = ms
    for (const sleeper of sleepers) if (sleeper.untilMs <= ms) sleeper.wake()
  }
  return {
    sleptMs: [],
    nowMs: () => nowMs,
    elapsedMs: () => nowMs,
    async sleep(ms, { signal }) {
      this.sleptMs.push(ms)
      if (isRushing) wakeUntil(nowMs + ms)
      else await sleepUntil(sleepers, nowMs + ms, signal)
    },
    pass: (ms) => wakeUntil(nowMs + ms),
    rush: () => {
      isRushing = true
    },
  }
}

async function sleepUntil(
  sleepers: Set<{ readonly untilMs: number; readonly wake: () => void }>,
  untilMs: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sleeper = { untilMs, wake: resolve }
  const onAbort = () => reject(signal.reason)
  sleepers.add(sleeper)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    sleepers.delete(sleeper)
    signal.removeEventListener('abort', onAbort)
  }
}
