import assert from 'node:assert/strict'
import type { SeededRandom } from '../../base/random.ts'

/**
 * Sizes for exactly `files` files of exactly `bytes` bytes together, most of them small and a few large.
 * Source: docs/protocol/mobilebackup2.md#how-a-phone-is-filled (percentiles measured on one public backup).
 */
export function mixSizes({ files, bytes }: { files: number; bytes: number }, random: SeededRandom): Float64Array {
  assert(files > 0 || bytes === 0, 'Bytes need a file to be in')
  const sizes = Float64Array.from({ length: files }, () => sizeAt(random.next()))
  if (files >= 20) for (let index = 0; index < files; index += 97) sizes[index] = 0
  return fitTo(bytes, sizes)
}

/** Points of the distribution: this share of the files is at most that large. */
const PERCENTILES = [
  [0, 1],
  [0.1, 42],
  [0.25, 126],
  [0.5, 638],
  [0.75, 13_000],
  [0.9, 133_000],
  [0.95, 306_000],
  [0.99, 2_500_000],
  [1, 63_000_000],
] as const

function sizeAt(share: number): number {
  const above = PERCENTILES.findIndex(([point]) => point > share)
  const [lowShare, low] = PERCENTILES[above - 1]!
  const [highShare, high] = PERCENTILES[above]!
  return Math.floor(low * (high / low) ** ((share - lowShare) / (highShare - lowShare)))
}

const LARGE_BYTES = 13_000

/** Scales the large files, or all of them when the small ones alone are too much; the largest takes what rounding leaves. */
function fitTo(bytes: number, sizes: Float64Array): Float64Array {
  const sum = (from: number, to: number) =>
    sizes.reduce((all, size) => (size >= from && size < to ? all + size : all), 0)
  const small = sum(0, LARGE_BYTES)
  const large = sum(LARGE_BYTES, Number.POSITIVE_INFINITY)
  const smallFactor = bytes < small ? bytes / (small + large) : 1
  const largeFactor = bytes < small ? smallFactor : (bytes - small) / Math.max(1, large)
  const fitted = sizes.map((size) => Math.floor(size * (size < LARGE_BYTES ? smallFactor : largeFactor)))
  if (fitted.length > 0) fitted[indexOfLargest(fitted)]! += bytes - fitted.reduce((all, size) => all + size, 0)
  return fitted
}

function indexOfLargest(sizes: Float64Array): number {
  let largest = 0
  for (let index = 1; index < sizes.length; index++) if (sizes[index]! > sizes[largest]!) largest = index
  return largest
}
