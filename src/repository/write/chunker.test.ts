import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256 } from '../format/id.ts'
import { degree, isIrreducible, modulo, randomPolynomial } from '../format/polynomial.ts'
import { seededBytes } from '../testing/bytes.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, createChunker } from './chunker.ts'
import { type Chunk, createFileWriter } from './file-writer.ts'
import { ChunkBuffers } from './pipeline/chunk-buffers.ts'

/** The polynomial of the chunker's own tests in restic. */
const POLYNOMIAL = 0x3da3358b4dc173n
const chunker = createChunker(POLYNOMIAL)

/** The chunks of a file, and that each buffer was intact when it was stored. */
async function chunksOf(bytes: Uint8Array, pieceBytes: readonly number[]): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = []
  const buffers = new ChunkBuffers()
  const store = async ({ buffer, sizeBytes }: Chunk) => {
    const chunk = Buffer.from(buffer.subarray(0, sizeBytes))
    chunks.push(chunk)
    buffers.spare(buffer)
    return sha256(chunk)
  }
  const file = createFileWriter({ chunker, store, buffers })
  for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
    const size = pieceBytes[turn % pieceBytes.length]!
    await file.write(bytes.subarray(offset, offset + size))
    offset += size
  }
  const { content, sizeBytes } = await file.finish()
  assert.equal(sizeBytes, bytes.length)
  assert.deepEqual(content, chunks.map(sha256))
  return chunks
}

/** The digest by its definition: the last 64 bytes as one polynomial. */
function digest(bytes: Uint8Array, end: number): bigint {
  return modulo(BigInt(`0x${Buffer.from(bytes.subarray(end - 64, end)).toString('hex')}`), POLYNOMIAL)
}

test('a cut is where the digest of the last 64 bytes ends in twenty zero bits, and nowhere before', () => {
  const bytes = seededBytes(1, 4 * 1024 * 1024)
  const cut = chunker.cut(bytes, { searched: 0, filled: bytes.length })
  assert.ok(cut > CHUNK_BYTES_MIN && cut < bytes.length)
  assert.equal(digest(bytes, cut) & 0xfffffn, 0n)
  assert.equal(chunker.cut(bytes, { searched: 0, filled: cut - 1 }), 0)
  assert.equal(chunker.cut(bytes, { searched: cut - 1, filled: cut }), cut)
})

test('how a file was sliced does not change its chunks', async () => {
  const bytes = seededBytes(2, 5_000_000)
  const whole = await chunksOf(bytes, [bytes.length])
  assert.ok(whole.length > 2)
  assert.ok(Buffer.concat(whole).equals(bytes))
  const slices = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 5 })
  const thick = slices.filter((sizes) => Math.max(...sizes) > 10_000)
  await fc.assert(
    fc.asyncProperty(thick, async (sizes) => {
      assert.deepEqual((await chunksOf(bytes, sizes)).map(sha256), whole.map(sha256))
    }),
    { numRuns: 15 },
  )
})

test('an insertion near the start changes few chunks', async () => {
  const bytes = seededBytes(3, 12_000_000)
  const before = new Set((await chunksOf(bytes, [1 << 20])).map(sha256))
  const after = await chunksOf(Buffer.concat([Buffer.from('inserted'), bytes]), [1 << 20])
  assert.ok(after.filter((chunk) => !before.has(sha256(chunk))).length <= 3)
})

test('zeros are cut at the least size', async () => {
  const sizes = (await chunksOf(new Uint8Array(2_000_000), [300_000])).map((chunk) => chunk.length)
  assert.deepEqual(sizes, [CHUNK_BYTES_MIN, CHUNK_BYTES_MIN, CHUNK_BYTES_MIN, 2_000_000 - 3 * CHUNK_BYTES_MIN])
})

test('what never matches is cut at the greatest size', async () => {
  const byte = Array.from({ length: 256 }, (_, value) => value).find(
    (value) => (digest(new Uint8Array(64).fill(value), 64) & 0xfffffn) !== 0n,
  )
  const bytes = new Uint8Array(CHUNK_BYTES_MAX + 100).fill(byte!)
  assert.deepEqual(
    (await chunksOf(bytes, [1 << 20])).map((chunk) => chunk.length),
    [CHUNK_BYTES_MAX, 100],
  )
})

test('an empty file has no chunks, and one below the least size has one', async () => {
  assert.deepEqual(await chunksOf(new Uint8Array(0), [1]), [])
  assert.equal((await chunksOf(seededBytes(4, CHUNK_BYTES_MIN), [1000])).length, 1)
})

test('irreducible polynomials are told from products', () => {
  assert.ok(isIrreducible(POLYNOMIAL))
  assert.ok(isIrreducible(0b111n))
  assert.equal(isIrreducible(0b101n), false)
  assert.equal(isIrreducible(0b10101n), false)
  assert.equal(isIrreducible(POLYNOMIAL << 1n), false)
  assert.equal(isIrreducible(0n), false)
})

test('a random polynomial is irreducible and of degree 53', () => {
  const polynomial = randomPolynomial()
  assert.equal(degree(polynomial), 53)
  assert.ok(isIrreducible(polynomial))
})
