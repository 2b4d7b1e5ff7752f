import { fillRandom } from '../../base/random.ts'

/** A seed for `seededHash`, another one each time. */
export function randomSeed(): number {
  const seed = new Uint32Array(1)
  fillRandom(new Uint8Array(seed.buffer))
  return seed[0]!
}

/**
 * Where the search for a digest begins in a table, by its first two words. Digests come from a phone's content, so without a seed
 * somebody could choose many that begin at one place.
 */
export function seededHash(seed: number, first: number, second: number): number {
  const mixed = Math.imul(first ^ seed, 0x9e3779b1)
  const hash = Math.imul(mixed ^ (mixed >>> 15) ^ second, 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
