import assert from 'node:assert/strict'
import { createCipheriv, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../base/errors.ts'
import { bytesOver, decrypt } from './decrypt.ts'
import { encrypt, fixedBytes } from './testing/made-backup.ts'

const KEY = fixedBytes('a key', 32)
const key = createSecretKey(KEY)

async function decrypted(pieces: Iterable<Uint8Array>, sizeBytes?: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decrypt(asAsync(pieces), { key, what: 'It', sizeBytes })))
}

/** What arrives, and what is thrown in the end. */
async function readToError(pieces: Iterable<Uint8Array>, sizeBytes: number) {
  const content: Uint8Array[] = []
  try {
    for await (const piece of decrypt(asAsync(pieces), { key, what: 'It', sizeBytes })) content.push(piece)
  } catch (error) {
    return { content: Buffer.concat(content), error }
  }
  return { content: Buffer.concat(content), error: undefined }
}

async function* asAsync(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces
}

/** As other programs leave it: zeros up to a whole block, no padding. */
function encryptUnpadded(plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', KEY, Buffer.alloc(16)).setAutoPadding(false)
  return Buffer.concat([
    cipher.update(plain),
    cipher.update(Buffer.alloc((16 - (plain.length % 16)) % 16)),
    cipher.final(),
  ])
}

const isCut = (error: unknown) =>
  isAppError(error, 'backup-set.damaged') && /^It (was cut off|does not decrypt)/.test(error.message)

// Computed with openssl: enc -aes-256-cbc, with the key of NIST SP 800-38A, F.2.5, and an IV of zeros.
test('a vector', async () => {
  const vector = createSecretKey(Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex'))
  const stored = Buffer.from('ecc6e8c750a5daba0ed6db68c93ca49fb2b54788ee20ece4a4382b0a70a849ab', 'hex')
  const plain = await Array.fromAsync(decrypt(asAsync([stored]), { key: vector, what: 'It', sizeBytes: undefined }))
  assert.equal(Buffer.concat(plain).toString(), 'Every byte counts.')
})

test('what was encrypted comes back, in whatever pieces it arrives', async () => {
  const content = fc.uint8Array({ maxLength: 200 })
  const cuts = fc.array(fc.nat(220), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(content, cuts, fc.option(fc.nat(300), { nil: undefined }), async (plain, at, sizeBytes) => {
      const stored = encrypt(KEY, plain)
      const places = [0, ...at.toSorted((one, other) => one - other), stored.length]
      const pieces = places.slice(1).map((end, index) => stored.subarray(places[index], end))
      assert.deepEqual(await decrypted(pieces, sizeBytes), Buffer.from(plain))
    }),
    { numRuns: 400 },
  )
})

test('padding decides, not the size: a database is longer than it was when it was listed', async () => {
  const plain = fixedBytes('database', 499)
  for (const sizeBytes of [0, 1, 400, 498, 500, 10_000]) {
    assert.deepEqual(await decrypted([encrypt(KEY, plain)], sizeBytes), plain)
  }
})

test('without padding the size decides, if it lies in the last block, and the doubt is told after all content', async () => {
  for (const length of [1, 15, 16, 17, 31, 32]) {
    const plain = Buffer.alloc(length, 'x')
    const { content, error } = await readToError([encryptUnpadded(plain)], length)
    assert.deepEqual(content, plain)
    assert.ok(isAppError(error, 'backup-set.altered') && error.message === 'It does not end as phones end files')
  }
})

test('an end that only looks like padding in its last byte is none', async () => {
  for (const [end, over] of [
    ['\x03\x02\x03', 0],
    ['\x10', 0],
    ['\x00', 0],
    ['\x11', 0],
    ['\x02\x01', 1],
  ] as const) {
    const plain = Buffer.from(end.padStart(32, 'x'), 'latin1')
    const { content, error } = await readToError([encryptUnpadded(plain)], 32)
    assert.deepEqual(content, over === 0 ? plain : plain.subarray(0, -over), JSON.stringify(end))
    assert.equal(isAppError(error, 'backup-set.altered'), over === 0)
  }
})

test('without padding and with a size that makes no sense it is damaged', async () => {
  const stored = encryptUnpadded(Buffer.alloc(48, 'x'))
  for (const sizeBytes of [0, 1, 31, 49, 1000]) await assert.rejects(decrypted([stored], sizeBytes), isCut)
})

test('without padding, and without a size to go by, everything is content', async () => {
  assert.deepEqual(await decrypted([encryptUnpadded(Buffer.alloc(48, 'x'))]), Buffer.alloc(48, 'x'))
})

test('content that was cut off is damaged', async () => {
  const plain = fixedBytes('photo', 100)
  const stored = encrypt(KEY, plain)
  for (let length = 0; length < stored.length; length++) {
    await assert.rejects(decrypted([stored.subarray(0, length)], plain.length), isCut, `${length} bytes`)
  }
})

test('no bytes at all are an empty file only if it is known to be empty', async () => {
  assert.deepEqual(await decrypted([], 0), Buffer.alloc(0))
  await assert.rejects(decrypted([], 1), isCut)
  await assert.rejects(decrypted([]), isCut)
})

test('another key, or a changed end, is noticed', async () => {
  const plain = fixedBytes('photo', 1000)
  const flipped = encrypt(KEY, plain)
  flipped[flipped.length - 1]! ^= 1
  for (const stored of [encrypt(fixedBytes('another key', 32), plain), flipped]) {
    const { content, error } = await readToError([stored], plain.length)
    assert.equal(content.length, plain.length)
    assert.ok(isAppError(error, 'backup-set.altered'))
    await assert.rejects(decrypted([stored], 10), isCut)
  }
})

test('no more than two pieces are held, however long the file is', async () => {
  const piece = Buffer.alloc(1024)
  let given = 0
  let taken = 0
  const source = async function* () {
    for (; given < 5000; given++) {
      assert.ok(given - taken <= 2, `${given - taken} pieces are held`)
      yield piece
    }
  }
  const sizeBytes = 5000 * piece.length
  const reading = async () => {
    for await (const plain of decrypt(source(), { key, what: 'It', sizeBytes })) taken += plain.length / piece.length
  }
  await assert.rejects(reading(), (error) => isAppError(error, 'backup-set.altered'))
  assert.equal(taken, 5000)
})

test('whoever stops reading closes the source', async () => {
  let isClosed = false
  const source = async function* () {
    try {
      for (;;) yield Buffer.alloc(1024)
    } finally {
      isClosed = true
    }
  }
  for await (const _ of decrypt(source(), { key, what: 'It', sizeBytes: 0 })) break
  assert.ok(isClosed)
})

test('files of more than 4 GB end where they should', () => {
  const storedBytes = 5 * 2 ** 30
  assert.equal(bytesOver({ storedBytes, sizeBytes: storedBytes - 7 }), 7)
  assert.equal(bytesOver({ storedBytes, sizeBytes: storedBytes - 17 }), undefined)
  assert.equal(bytesOver({ storedBytes, sizeBytes: storedBytes - 2 ** 32 }), undefined)
  assert.equal(bytesOver({ storedBytes, sizeBytes: storedBytes + 1 }), undefined)
})
