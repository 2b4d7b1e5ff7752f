import type { Clock } from './clock.ts'

/** Wakes one who waits. A ring while nobody waits is kept, and several are one: whoever is woken looks at how it is by then. */
export class Bell {
  readonly #clock: Clock
  #rung = Promise.withResolvers<void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung.resolve()
  }

  /** Until the next ring, or for so long. Rejects with the signal's reason. */
  async wait(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const over = new AbortController()
    try {
      await Promise.race([
        this.#rung.promise,
        this.#clock.sleep(ms, { signal: AbortSignal.any([signal, over.signal]) }),
      ])
    } finally {
      over.abort()
    }
    signal.throwIfAborted()
    this.#rung = Promise.withResolvers<void>()
  }
}
