import { randomBytes as cryptoBytes, randomUUID } from 'node:crypto'

/** Unpredictable bytes from the operating system. Keys, IVs and salts come from here. */
export function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(cryptoBytes(size))
}

/** Fills a buffer with unpredictable bytes, without allocating. */
export function fillRandom(target: Uint8Array<ArrayBuffer>): void {
  crypto.getRandomValues(target)
}

/** An upper-case UUID, as Apple writes them. */
export function randomUuid(): string {
  return randomUUID().toUpperCase()
}

/** Predictable numbers from a seed: for made-up data and for tests, never for secrets. */
export interface SeededRandom {
  /** A real number, 0 <= x < 1. */
  next(): number
  /** A whole number, 0 <= x < limit. */
  below(limit: number): number
  /** One of the items. */
  pick<Item>(items: readonly Item[]): Item
}

/** The generator is sfc32: 128 bits of state, one 32-bit word a step. The same seed gives the same numbers everywhere. */
export function seededRandom(seed: number): SeededRandom {
  let a = 0x9e3779b9
  let b = seed | 0
  let c = Math.floor(seed / 2 ** 32) | 0
  let counter = 1
  const word = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let warmUp = 0; warmUp < 16; warmUp++) word()
  const next = () => (word() * 2 ** 21 + (word() >>> 11)) / 2 ** 53
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new RangeError('Nothing to pick from')
      return item
    },
  }
}
