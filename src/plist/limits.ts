import assert from 'node:assert/strict'
import { tooBig } from './errors.ts'

/** What reading one property list may cost. Whatever goes beyond is refused as `plist.too-big`. */
export interface PlistLimits {
  readonly inputBytesMax: number
  /** Texts and data together, counted once for every place where they appear. */
  readonly outputBytesMax: number
  /** Values in the result and keys, counted once for every place where they appear; in XML also entities and CDATA. */
  readonly visitsMax: number
  /** Containers within containers: 1 for an array of numbers. At most `NESTING_MAX`. */
  readonly depthMax: number
}

export const DEFAULT_LIMITS: PlistLimits = {
  inputBytesMax: 64 * 2 ** 20,
  outputBytesMax: 64 * 2 ** 20,
  visitsMax: 1_000_000,
  depthMax: 64,
}

/** No limit may allow deeper nesting, and nothing deeper is written: so the code that walks values may recurse. */
export const NESTING_MAX = 512

/** The default limits with some replaced. */
export function limitsWith(some: Partial<PlistLimits>): PlistLimits {
  const limits = { ...DEFAULT_LIMITS, ...some }
  assert(limits.depthMax <= NESTING_MAX, `depthMax is at most ${NESTING_MAX}`)
  return limits
}

/** What may still be spent on one property list. Every method throws `plist.too-big` when nothing is left. */
export class Budget {
  readonly #depthMax: number
  #depth = 0
  #visitsLeft: number
  #outputBytesLeft: number

  constructor({ depthMax, visitsMax, outputBytesMax }: PlistLimits) {
    this.#depthMax = depthMax
    this.#visitsLeft = visitsMax
    this.#outputBytesLeft = outputBytesMax
  }

  /** One more value. */
  visit(): void {
    if (--this.#visitsLeft < 0) throw tooBig('A property list has, or expands to, more values than are allowed')
  }

  /** So many more bytes of text or data. */
  produce(bytes: number): void {
    this.#outputBytesLeft -= bytes
    if (this.#outputBytesLeft < 0)
      throw tooBig('A property list expands to more bytes of text and data than are allowed')
  }

  /** Into a container. */
  enter(): void {
    checkDepth(++this.#depth, this.#depthMax)
  }

  /** Out of a container. */
  leave(): void {
    this.#depth--
  }
}

/** Throws `plist.too-big` for a container that is nested too deep; the outermost has depth 1. */
export function checkDepth(depth: number, depthMax: number): void {
  if (depth > depthMax) throw tooBig(`A property list is nested deeper than ${depthMax} levels`)
}
