import assert from 'node:assert/strict'
import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../../base/secret.ts'
import { BackupError } from '../backup-error.ts'
import { createKeyBag, createUnlockedKeyBag, openKeyBag } from './key-bag.ts'

const PASSWORD = new Secret('correct horse ë')
const FAST = { password: PASSWORD, iterations: 10, seed: 'a phone in a state' }

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index + 64)

// Made with hashlib and an AES written in Python alone: VERS 5, ITER 100, DPIC 1000; class 5 (WRAP 3) and class 3 (WRAP 2),
// whose key is the bytes 0 to 31, under the password above.
const GOLDEN_BAG = Buffer.from(
  'VkVSUwAAAAQAAAAFVFlQRQAAAAQAAAABVVVJRAAAABARERERERERERERERERERERSE1DSwAAACgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
    'AAAAAAAAAAAAAAAAV1JBUAAAAAQAAAAAU0FMVAAAABQAAQIDBAUGBwgJCgsMDQ4PEBESE0lURVIAAAAEAAAAZERQV1QAAAAEAAAAAURQSUMAAAAE' +
    'AAAD6ERQU0wAAAAUZGVmZ2hpamtsbW5vcHFyc3R1dndVVUlEAAAAECIiIiIiIiIiIiIiIiIiIiJDTEFTAAAABAAAAAVXUkFQAAAABAAAAANLVFlQ' +
    'AAAABAAAAABXUEtZAAAAKFVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVUlEAAAAEDMzMzMzMzMzMzMzMzMzMzNDTEFT' +
    'AAAABAAAAANXUkFQAAAABAAAAAJLVFlQAAAABAAAAABXUEtZAAAAKJbGYlnUtiyxzgWjnbbOkJn64+rv8i+CZ+jFqEndnuUgqYu2o745YPs=',
  'base64',
)
const GOLDEN_KEY = Buffer.from(
  '03000000bd2a276ae8c7464c7e8b396674ac6e0e9558c84c6009b3fa413cf06a67a200823e4d720df2419fa9',
  'hex',
)

const plain = (bytes: Uint8Array | undefined) => bytes && new Uint8Array(bytes)

test('a key bag made by others opens, and keys are wrapped as others do', async () => {
  const bag = await openKeyBag(GOLDEN_BAG, PASSWORD)
  assert.ok(bag)
  assert.deepEqual(
    [3, 5].map((protectionClass) => bag.has(protectionClass)),
    [true, false],
  )
  assert.deepEqual(Buffer.from(bag.wrap(3, KEY)), GOLDEN_KEY)
  assert.deepEqual(plain(bag.unwrap(GOLDEN_KEY)), KEY)
  assert.equal(bag.bytes, GOLDEN_BAG)
})

test('another password opens nothing', async () => {
  for (const text of ['', 'correct horse e', 'correct horse ë ']) {
    assert.equal(await openKeyBag(GOLDEN_BAG, new Secret(text)), undefined)
  }
})

interface Tlv {
  readonly tag: string
  readonly value: Buffer
}

function tagsOf(bag: Uint8Array): Tlv[] {
  const bytes = Buffer.from(bag)
  const tags: Tlv[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4)
    tags.push({ tag: bytes.toString('ascii', at, at + 4), value: bytes.subarray(at + 8, at + 8 + size) })
    at += 8 + size
  }
  return tags
}

const numbersOf = (tags: readonly Tlv[], wanted: string) =>
  tags.filter(({ tag }) => tag === wanted).map(({ value }) => value.readUInt32BE())

// Layouts: docs/protocol/mobilebackup2.md#key-bag (real bags have 1,388 and 1,336 bytes).
test('the bag of an encrypted backup has ten header tags, then five for each class from 11 to 1', async () => {
  const { bytes } = await createKeyBag(FAST)
  const tags = tagsOf(bytes)
  assert.equal(bytes.length, 1_388)
  const header = ['VERS', 'TYPE', 'UUID', 'HMCK', 'WRAP', 'SALT', 'ITER', 'DPWT', 'DPIC', 'DPSL']
  const names = tags.map(({ tag }) => tag)
  assert.deepEqual(names.slice(0, 10), header)
  assert.deepEqual(names.slice(10), Array.from({ length: 11 }, () => ['UUID', 'CLAS', 'WRAP', 'KTYP', 'WPKY']).flat())
  assert.deepEqual(numbersOf(tags, 'CLAS'), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
  assert.deepEqual(numbersOf(tags, 'WRAP').slice(1), [3, 3, 3, 2, 2, 2, 3, 2, 2, 2, 2])
  assert.deepEqual([numbersOf(tags, 'ITER'), numbersOf(tags, 'DPIC')], [[10_000], [10]])
})

test('the bag of an unencrypted backup has no second salt, and the empty password opens classes 1 to 4 alone', async () => {
  const bytes = await createUnlockedKeyBag('00008120-0000000000000001')
  const tags = tagsOf(bytes)
  assert.equal(bytes.length, 1_336)
  assert.deepEqual(
    tags.slice(0, 7).map(({ tag }) => tag),
    ['VERS', 'TYPE', 'UUID', 'HMCK', 'WRAP', 'SALT', 'ITER'],
  )
  assert.deepEqual(numbersOf(tags, 'CLAS'), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  const salt = tags.find(({ tag }) => tag === 'SALT')!.value
  const kek = pbkdf2Sync('', salt, 10_000, 32, 'sha1')
  const opened = tags.filter(({ tag }) => tag === 'WPKY').map(({ value }) => opens(kek, value))
  assert.deepEqual(opened, [true, true, true, true, false, false, false, false, false, false, false])
})

function opens(kek: Uint8Array, wrapped: Uint8Array): boolean {
  try {
    return createDecipheriv('id-aes256-wrap', kek, Buffer.alloc(8, 0xa6)).update(wrapped).length === 32
  } catch {
    return false
  }
}

test('the same seed and password make the same bag, another of either other keys', async () => {
  const wrap = async (options: Partial<typeof FAST>) => {
    const bag = await createKeyBag({ ...FAST, ...options })
    return Buffer.from(bag.wrap(3, bag.makeKey('a file'))).toString('hex')
  }
  const first = await wrap({})
  assert.equal(await wrap({}), first)
  assert.notEqual(await wrap({ seed: 'another state' }), first)
  assert.notEqual(await wrap({ password: new Secret('another') }), first)
})

test('a bag that was made opens again with its password, for the same classes', async () => {
  const made = await createKeyBag(FAST)
  const opened = await openKeyBag(made.bytes, PASSWORD)
  assert.ok(opened)
  for (const protectionClass of [1, 2, 3, 4, 6, 7, 8]) {
    assert.deepEqual(plain(opened.unwrap(made.wrap(protectionClass, KEY))), KEY)
  }
  for (const protectionClass of [0, 5, 9, 10, 11, 12]) assert.equal(made.has(protectionClass), false)
  assert.deepEqual(opened.makeKey('a file'), made.makeKey('a file'))
})

test('under another password a bag has the same class keys and other salts', async () => {
  const before = await createKeyBag(FAST)
  const after = await before.withPassword(new Secret('new'), 12)
  assert.equal(await openKeyBag(after.bytes, PASSWORD), undefined)
  const opened = await openKeyBag(after.bytes, new Secret('new'))
  assert.deepEqual(plain(opened?.unwrap(before.wrap(1, KEY))), KEY)
  const fieldOf = (bytes: Uint8Array, name: string) => tagsOf(bytes).find(({ tag }) => tag === name)!.value
  assert.notDeepEqual(fieldOf(after.bytes, 'SALT'), fieldOf(before.bytes, 'SALT'))
  assert.deepEqual(fieldOf(after.bytes, 'UUID'), fieldOf(before.bytes, 'UUID'))
  assert.deepEqual(numbersOf(tagsOf(after.bytes), 'DPIC'), [12])
})

const isMalformed = (error: unknown) => error instanceof BackupError && error.code === 11

test('what is no key bag is refused before anything is calculated', async () => {
  const withIterations = Buffer.from(GOLDEN_BAG)
  withIterations.writeUInt32BE(0xffffffff, GOLDEN_BAG.indexOf('DPIC') + 8)
  const hostile: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['a length beyond the end', Buffer.from('5645525300000fff00000005', 'hex')],
    ['a salt alone', GOLDEN_BAG.subarray(GOLDEN_BAG.indexOf('SALT'), GOLDEN_BAG.indexOf('ITER'))],
    ['4 billion iterations', withIterations],
    ['no iterations', Buffer.from(GOLDEN_BAG).fill(0, GOLDEN_BAG.indexOf('ITER') + 8, GOLDEN_BAG.indexOf('DPWT'))],
    ['a megabyte', new Uint8Array(2 ** 20)],
  ]
  for (const [name, bytes] of hostile) await assert.rejects(openKeyBag(bytes, PASSWORD), isMalformed, name)
})

test('a bag that breaks off anywhere is refused, or opens as far as it goes', async () => {
  const cuts = fc.integer({ min: 0, max: GOLDEN_BAG.length - 1 })
  await fc.assert(
    fc.asyncProperty(cuts, async (size) => {
      const opening = openKeyBag(GOLDEN_BAG.subarray(0, size), PASSWORD)
      const outcome = await opening.catch((error) => error)
      assert.ok(outcome === undefined || isMalformed(outcome), `${size} bytes`)
    }),
    { numRuns: 60 },
  )
})

test('a wrapped key of any other length, class or bag is none', async () => {
  const bag = await createKeyBag(FAST)
  const wrapped = bag.wrap(3, KEY)
  assert.equal(bag.unwrap(wrapped.subarray(0, 43)), undefined)
  assert.equal(bag.unwrap(new Uint8Array(0)), undefined)
  assert.equal(bag.unwrap(wrapped.with(0, 4)), undefined)
  assert.equal(bag.unwrap(wrapped.with(0, 5)), undefined)
  assert.equal(bag.unwrap(GOLDEN_KEY), undefined)
})
