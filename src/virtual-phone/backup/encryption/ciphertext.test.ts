import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../../base/bytes.ts'
import { BackupError } from '../backup-error.ts'
import { decryptTo, encryptBlocks, encryptedSize } from './ciphertext.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index + 64)

async function encrypted(key: Uint8Array, blocks: readonly Uint8Array[]): Promise<Buffer> {
  const pieces = await Array.fromAsync(encryptBlocks(key, blocks))
  assert.ok(pieces.every((piece) => piece.length > 0))
  return Buffer.concat(pieces)
}

async function decrypted(key: Uint8Array, pieces: readonly Uint8Array[]): Promise<Buffer> {
  const plain: Uint8Array[] = []
  const decryption = decryptTo(key, (piece) => void plain.push(piece))
  for (const piece of pieces) await decryption.sink(piece)
  await decryption.end()
  return Buffer.concat(plain)
}

// Calculated with an AES written in Python alone.
test('a file is AES-256-CBC with a zero IV and PKCS#7', async () => {
  assert.equal((await encrypted(KEY, [utf8('hello')])).toString('hex'), 'e3de54a424f95c8771c7d0faa225a8e0')
  assert.equal((await encrypted(KEY, [])).toString('hex'), 'c9cb7b3859e1a550bcbf11b624022c56')
})

// NIST CAVP, CBCGFSbox256, first of the encryptions.
test('the first block is as in the vector of NIST', async () => {
  const block = Buffer.from('014730f80ac625fe84f026c60bfd547d', 'hex')
  const stored = await encrypted(new Uint8Array(32), [block])
  assert.equal(stored.toString('hex', 0, 16), '5c9d844ed46f9885085e5d6a4f94c7d7')
})

test('a file takes the next multiple of 16 bytes, and a whole block more where it is one', () => {
  const sizes = [0, 1, 15, 16, 17, 2 ** 32, 2 ** 40 + 1]
  assert.deepEqual(sizes.map(encryptedSize), [16, 16, 16, 32, 32, 2 ** 32 + 16, 2 ** 40 + 16])
})

test('however a file is cut, it is encrypted to the same bytes and comes back', async () => {
  const blocks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 70 }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(blocks, fc.integer({ min: 1, max: 50 }), async (cut, pieceBytes) => {
      const whole = Buffer.concat(cut)
      const stored = await encrypted(KEY, cut)
      assert.deepEqual(stored, await encrypted(KEY, [whole]))
      assert.equal(stored.length, encryptedSize(whole.length))
      const pieces: Uint8Array[] = []
      for (let at = 0; at < stored.length; at += pieceBytes) pieces.push(stored.subarray(at, at + pieceBytes))
      assert.deepEqual(await decrypted(KEY, pieces), whole)
    }),
  )
})

test('a large block grows by less than 16 bytes', async () => {
  const blocks = [new Uint8Array(7), new Uint8Array(262_144), new Uint8Array(262_143)]
  const sizes = (await Array.fromAsync(encryptBlocks(KEY, blocks))).map(({ length }) => length)
  assert.deepEqual(sizes, [262_144, 262_144, 16])
})

test('another key and a file that breaks off are noticed at the end', async () => {
  const stored = await encrypted(KEY, [utf8('hello')])
  const isDamaged = (error: unknown) => error instanceof BackupError && error.code === 11
  await assert.rejects(decrypted(new Uint8Array(32), [stored]), isDamaged)
  await assert.rejects(decrypted(KEY, [stored.subarray(0, 15)]), isDamaged)
  await assert.rejects(decrypted(KEY, []), isDamaged)
})
