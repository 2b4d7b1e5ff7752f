import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { seededBytes } from '../testing/bytes.ts'
import { compressNow, decompressNow, looksRandom, storedBytes, storedPieces, storeNow } from './compression.ts'

const KIB = 1024
/** Around the size of a block, and of several. */
const SIZES = [1, 128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 256 * KIB, 1_000_000]

test('a stored frame is a zstd frame of exactly these bytes, as large as was said', () => {
  for (const size of SIZES) {
    const plain = seededBytes(size, size)
    const frame = storeNow(plain, new Uint8Array(storedBytes(size)))
    assert.equal(frame.length, storedBytes(size))
    assert.ok(plain.equals(zstdDecompressSync(frame)))
    assert.ok(plain.equals(Buffer.concat(storedPieces(frame) ?? [])))
  }
})

test('no pieces are found in what is no stored frame, whole and alone', () => {
  const plain = seededBytes(1, 300_000)
  const frame = Buffer.from(storeNow(plain, new Uint8Array(storedBytes(plain.length))))
  const changed = (at: number, byte: number) => Buffer.from(frame).fill(byte, at, at + 1)
  const others = {
    'another format': changed(0, 1),
    'another kind of frame': changed(4, 0x20),
    'another size': changed(5, 1),
    'a block of another kind': changed(9, frame[9]! | 0b100),
    'an end too early': changed(9, frame[9]! | 1),
    'its end missing': frame.subarray(0, -1),
    'its last block missing': frame.subarray(0, 9 + 2 * (128 * KIB + 3)),
    'something behind it': Buffer.concat([frame, Buffer.alloc(1)]),
    'less than a header': frame.subarray(0, 8),
    'what zstd made': compressNow(Buffer.alloc(300_000)),
  }
  for (const [what, bytes] of Object.entries(others)) assert.equal(storedPieces(bytes), undefined, what)
})

test('photos look random, and files with some order anywhere do not', () => {
  assert.equal(looksRandom(seededBytes(2, 3_000_000)), true)
  const halfEmpty = Buffer.concat([seededBytes(3, 500_000), Buffer.alloc(500_000)])
  assert.equal(looksRandom(halfEmpty), false)
  assert.equal(looksRandom(Buffer.from('words and words '.repeat(50_000))), false)
})

test('what does not shrink is hardly larger, and what was compressed comes back', () => {
  for (const plain of [seededBytes(4, 100_000), Buffer.from('words '.repeat(100_000)), Buffer.from('xy')]) {
    const frame = compressNow(plain)
    assert.ok(frame.length <= plain.length + 32)
    assert.ok(plain.equals(decompressNow(frame, plain.length)))
    assert.throws(() => decompressNow(frame, plain.length - 1))
  }
})
