import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { modulo, type Polynomial, randomPolynomial } from '../../format/polynomial.ts'
import { seededBytes } from '../../testing/bytes.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, createChunker } from '../chunker.ts'

/** restic's chunker as its documentation has it: one byte at a time, one digest, nothing skipped but the least size. */
function referenceCut(bytes: Uint8Array, polynomial: Polynomial): number {
  const end = Math.min(bytes.length, CHUNK_BYTES_MAX)
  const append = tableOf((byte) => modulo(byte << 53n, polynomial) ^ (byte << 53n))
  const leave = tableOf((byte) => modulo(byte << 512n, polynomial))
  let digest = 0n
  for (let at = CHUNK_BYTES_MIN - 64; at < end; at++) {
    if (at >= CHUNK_BYTES_MIN && (digest & 0xfffffn) === 0n) return at
    digest = (digest << 8n) | BigInt(bytes[at]!)
    digest ^= append[Number(digest >> 53n)]!
    if (at >= CHUNK_BYTES_MIN) digest ^= leave[bytes[at - 64]!]!
  }
  const ends = end >= CHUNK_BYTES_MIN && ((digest & 0xfffffn) === 0n || end === CHUNK_BYTES_MAX)
  return ends ? end : 0
}

function tableOf(digest: (byte: bigint) => bigint): readonly bigint[] {
  return Array.from({ length: 256 }, (_, byte) => digest(BigInt(byte)))
}

/** Bytes with long runs that are alike, as databases have them, between bytes of no order. */
const content = fc
  .array(
    fc.record({
      seed: fc.nat({ max: 1000 }),
      bytes: fc.integer({ min: 1, max: 400_000 }),
      alike: fc.option(fc.nat({ max: 255 })),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) =>
    Buffer.concat(
      parts.map(({ seed, bytes, alike }) => (alike === null ? seededBytes(seed, bytes) : Buffer.alloc(bytes, alike))),
    ),
  )

test('the module cuts where the definition does, whatever the polynomial and the bytes', () => {
  const polynomials = Array.from({ length: 3 }, () => {
    const polynomial = randomPolynomial()
    return { polynomial, chunker: createChunker(polynomial) }
  })
  fc.assert(
    fc.property(fc.constantFrom(...polynomials), content, ({ polynomial, chunker }, bytes) => {
      const cut = chunker.cut(bytes, { searched: 0, filled: bytes.length })
      assert.equal(cut, referenceCut(bytes, polynomial))
    }),
    { numRuns: 20 },
  )
})

test('a cut is found wherever the search begins, also at the seams of what is searched at once', () => {
  const polynomial = randomPolynomial()
  const chunker = createChunker(polynomial)
  const bytes = seededBytes(5, CHUNK_BYTES_MAX)
  const cut = chunker.cut(bytes, { searched: 0, filled: bytes.length })
  assert.ok(cut > 0)
  const step = 32 * 1024
  for (const before of [1, 2, 3, 4, 63, 64, 65, step - 1, step, step + 1, 4 * step]) {
    const searched = Math.max(0, cut - before)
    assert.equal(chunker.cut(bytes, { searched, filled: bytes.length }), cut)
    assert.equal(chunker.cut(bytes, { searched, filled: cut }), cut)
  }
})
