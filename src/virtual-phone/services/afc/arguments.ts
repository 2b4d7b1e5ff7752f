import { viewOf } from '../../../base/bytes.ts'
import { AfcError } from './afc-error.ts'
import { STATUS } from './packet.ts'

/** As long as a path may be on iOS, with room to spare. */
const TEXT_BYTES_MAX = 4096

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Takes the arguments of a request one after another. Every method throws `AfcError` 7 when the body is too short or wrong. */
export class AfcArguments {
  #left: Uint8Array

  constructor(body: Uint8Array) {
    this.#left = body
  }

  u64(): bigint {
    return viewOf(this.#take(8)).getBigUint64(0, true)
  }

  i64(): bigint {
    return viewOf(this.#take(8)).getBigInt64(0, true)
  }

  /** A size or time that fits a JavaScript number. */
  size(): number {
    const size = this.u64()
    if (size > Number.MAX_SAFE_INTEGER) throw new AfcError(STATUS.invalidArgument)
    return Number(size)
  }

  /** Up to a NUL or to the end: libimobiledevice ends paths with NUL, others mostly do not. */
  text(): string {
    const end = this.#left.indexOf(0)
    const size = end === -1 ? this.#left.length : end
    if (size > TEXT_BYTES_MAX) throw new AfcError(STATUS.invalidArgument)
    const bytes = this.#take(size)
    if (end !== -1) this.#take(1)
    try {
      return strictUtf8.decode(bytes)
    } catch {
      throw new AfcError(STATUS.invalidArgument)
    }
  }

  rest(): Uint8Array {
    return this.#take(this.#left.length)
  }

  #take(size: number): Uint8Array {
    if (this.#left.length < size) throw new AfcError(STATUS.invalidArgument)
    const taken = this.#left.subarray(0, size)
    this.#left = this.#left.subarray(size)
    return taken
  }
}
