import { AfcError } from './afc-error.ts'
import { STATUS } from './packet.ts'

/** Memory that all files of a media tree share. */
export class MemoryBudget {
  #left: number

  constructor(bytesMax: number) {
    this.#left = bytesMax
  }

  get leftBytes(): number {
    return this.#left
  }

  /** Throws AFC's "no space". A negative number gives memory back. */
  take(bytes: number): void {
    if (bytes > this.#left) throw new AfcError(STATUS.noSpace)
    this.#left -= bytes
  }
}

/** The bytes of one file in memory. They count against the budget for as long as a name or an open file refers to them. */
export class FileBytes {
  readonly #budget: MemoryBudget
  #room = new Uint8Array(0)
  #size = 0
  #uses = 0

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  get size(): number {
    return this.#size
  }

  retain(): void {
    this.#uses++
  }

  release(): void {
    this.#uses--
    if (this.#uses === 0) this.resize(0)
  }

  /** A copy of at most `size` bytes; empty at the end of the file. */
  read(position: number, size: number): Uint8Array {
    return this.#room.slice(position, Math.min(position + size, this.#size))
  }

  /** Bytes between the old end and the position become zeros. */
  write(position: number, bytes: Uint8Array): void {
    if (position + bytes.length > this.#size) this.resize(position + bytes.length)
    this.#room.set(bytes, position)
  }

  resize(size: number): void {
    if (size === 0) this.#reallocate(0)
    else if (size > this.#room.length) this.#reallocate(Math.max(size, this.#doubled()))
    else this.#room.fill(0, size, this.#size)
    this.#size = size
  }

  #doubled(): number {
    return Math.min(2 * this.#room.length, this.#room.length + this.#budget.leftBytes)
  }

  #reallocate(capacity: number): void {
    this.#budget.take(capacity - this.#room.length)
    const grown = new Uint8Array(capacity)
    grown.set(this.#room.subarray(0, Math.min(this.#size, capacity)))
    this.#room = grown
  }
}
