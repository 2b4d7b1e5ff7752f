/** Lets so many work at a time; the others wait, first come, first served. */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(limit: number) {
    this.#free = limit
  }

  /** Disposing the turn lets the next one in. Aborting gives up the place in the queue. */
  async take({ signal }: { signal: AbortSignal }): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#queue(signal)
    return { [Symbol.dispose]: () => this.#next() }
  }

  async #queue(signal: AbortSignal): Promise<void> {
    const called = Promise.withResolvers<void>()
    const onAbort = () => {
      const place = this.#waiting.indexOf(called.resolve)
      if (place < 0) return
      this.#waiting.splice(place, 1)
      called.reject(signal.reason)
    }
    this.#waiting.push(called.resolve)
    signal.addEventListener('abort', onAbort, { once: true })
    await called.promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  #next(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
