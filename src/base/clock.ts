import { setTimeout as delay } from 'node:timers/promises'

/** The only source of time. Everything that needs it takes a `Clock`, so that tests can stop it. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970-01-01 UTC. May jump. */
  nowMs(): number
  /** Never goes back; only differences mean anything. Milliseconds. */
  elapsedMs(): number
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  sleep: async (ms, { signal }) => {
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  },
}

/** Acts once, later, without keeping the process alive for it. Disposing calls it off. */
export function actAfter(ms: number, act: () => void): Disposable {
  const timer = setTimeout(act, ms).unref()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Looks again and again, without keeping the process alive for it. Disposing stops it. */
export function lookEvery(ms: number, look: () => void): Disposable {
  const timer = setInterval(look, ms).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
