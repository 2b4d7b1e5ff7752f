/** An advisory lock, as flock(2) has it: many may share it, or one has it for itself. The holder is an open file. */
export class FileLock {
  readonly #holders = new Set<object>()
  #isExclusive = false

  /** False if somebody else's lock is in the way. A holder may change its own lock from one kind to the other. */
  take(holder: object, { exclusive }: { exclusive: boolean }): boolean {
    const othersHold = this.#holders.size > (this.#holders.has(holder) ? 1 : 0)
    if (othersHold && (exclusive || this.#isExclusive)) return false
    this.#holders.add(holder)
    this.#isExclusive = exclusive
    return true
  }

  /** Nothing happens if the holder has no lock. */
  release(holder: object): void {
    if (this.#holders.delete(holder)) this.#isExclusive = false
  }
}
