import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { NEVER } from '../base/abort.ts'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { parseKeyBag, unlockKeyBag } from './index.ts'
import { ClassKeys } from './key-bag.ts'
import { fixedBytes, keyOf, makeKeyBag, tag, u32 } from './testing/made-backup.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const counting = (first: number, size: number) => Buffer.from(Array.from({ length: size }, (_, index) => first + index))
const password = new Secret('secret Wörd')
const unlock = (bag: Uint8Array, secret = password) => unlockKeyBag(parseKeyBag(bag), secret, { signal: NEVER })
const damagedBy = (saw: RegExp) => (error: unknown) =>
  isAppError(error, 'backup-set.damaged') && saw.test(error.message)

test('a wrapped key opens: RFC 3394, 4.6, a key of 256 bits with a key of 256 bits', () => {
  const lock = createSecretKey(hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'))
  const wrapped = hex(
    '03000000 28c9f404c4b810f4 cbccb35cfb87f826 3f5786e2d80ed326 cbc7f0e71a99f43b fb988b9b7a02dd21'.replaceAll(' ', ''),
  )
  const key = new ClassKeys(new Map([[3, lock]])).unwrap(wrapped, 'a vector')
  assert.deepEqual(key.export(), hex('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f'))
})

// Computed with Python's hashlib and, for RFC 3394, openssl's AES-256-ECB: the class key is 00 to 1f, the file key c8 to e7.
const GOLDEN_PASSWORD = new Secret('pässwörd')
const GOLDEN_ROUNDS = [tag('SALT', counting(100, 20)), tag('ITER', u32(100))]
const GOLDEN_FIRST_ROUND = [tag('DPSL', counting(0, 20)), tag('DPIC', u32(1000))]
const GOLDEN_CLASS = {
  twoRounds: '95afec3e3b308866bbaecfbc7169b1c0e2115b3b6ae558c571c212b05a6858403b2f3ffb17710c3b',
  oneRound: '00bd7e9f160bd74d600c42cfa808c462d5b7ad8303d6cd21708c983aa691f4635b3872bd499d7059',
}
const GOLDEN_FILE_KEY = hex('ae1f5c4903aa6b0ed126e192d386858e62232df11eba66bf977e0d4f5acfa47541f0a6ff3cb849ed')

function bagOf(rounds: readonly Buffer[], wrapped: Uint8Array): Buffer {
  const ours = [tag('UUID', u32(1)), tag('CLAS', u32(4)), tag('WRAP', u32(2)), tag('WPKY', wrapped)]
  return Buffer.concat([tag('UUID', u32(0)), tag('WRAP', u32(0)), ...rounds, ...ours])
}

for (const [claim, rounds, wrapped] of [
  ['since iOS 10.2 the password is stretched twice', [...GOLDEN_ROUNDS, ...GOLDEN_FIRST_ROUND], GOLDEN_CLASS.twoRounds],
  ['before iOS 10.2 the password is stretched once', GOLDEN_ROUNDS, GOLDEN_CLASS.oneRound],
] as const) {
  test(claim, async () => {
    const keys = await unlock(bagOf(rounds, hex(wrapped)), GOLDEN_PASSWORD)
    const key = keys?.unwrap(Buffer.concat([hex('04000000'), GOLDEN_FILE_KEY]), 'a file')
    assert.deepEqual(key?.export(), counting(200, 32))
  })
}

for (const old of [false, true]) {
  test(`a password opens exactly the classes of ${old ? 'an old' : 'a'} bag that need nothing else`, async () => {
    const keys = await unlock(makeKeyBag({ password: password.reveal(), old }))
    assert.ok(keys)
    for (const keyClass of [1, 2, 3, 4, 6, 7, 8]) {
      const fileKey = fixedBytes(`file of class ${keyClass}`, 32)
      assert.deepEqual(keys.unwrap(keyOf(keyClass, fileKey), 'it').export(), fileKey)
    }
    for (const keyClass of [0, 5, 9, 10, 11, 12]) {
      assert.throws(
        () => keys.unwrap(keyOf(keyClass, Buffer.alloc(32)), 'it'),
        damagedBy(/of class \d+, which no password opens/),
      )
    }
  })
}

test('another password opens nothing', async () => {
  const bag = makeKeyBag({ password: password.reveal() })
  for (const wrong of ['', 'secret Word', 'secret Wörd ']) assert.equal(await unlock(bag, new Secret(wrong)), undefined)
})

test('the empty password is a password', async () => {
  assert.ok(await unlock(makeKeyBag({ password: '', old: true }), new Secret('')))
})

test('a changed bit in the salt is a wrong password, in a class it is damage, and it says which', async () => {
  const bag = makeKeyBag({ password: password.reveal() })
  const flipped = (at: number) => {
    const copy = Buffer.from(bag)
    copy[at]! ^= 4
    return copy
  }
  const salt = bag.indexOf('SALT') + 8
  assert.equal(await unlock(flipped(salt)), undefined)
  const keyOfClass7 = bag.indexOf('WPKY', bag.indexOf(tag('CLAS', u32(7)))) + 8
  for (const at of [0, 20, 39]) {
    await assert.rejects(unlock(flipped(keyOfClass7 + at)), damagedBy(/opens the key bag, but not its class 7$/))
  }
})

test('a key of another length, or one that was changed, does not open', async () => {
  const keys = (await unlock(makeKeyBag({ password: password.reveal() })))!
  const wrapped = keyOf(3, Buffer.alloc(32))
  assert.throws(() => keys.unwrap(wrapped.subarray(1), 'a.txt'), damagedBy(/^The key of a\.txt has 43 bytes$/))
  assert.throws(() => keys.unwrap(new Uint8Array(0), 'a.txt'), damagedBy(/has 0 bytes/))
  wrapped[20]! ^= 1
  assert.throws(() => keys.unwrap(wrapped, 'a.txt'), damagedBy(/^The key of a\.txt does not open$/))
})

test('an aborted unlocking rejects with the reason', async () => {
  const bag = parseKeyBag(makeKeyBag({ password: password.reveal() }))
  await assert.rejects(unlockKeyBag(bag, password, { signal: AbortSignal.abort(new Error('enough')) }), /enough/)
})

test('neither keys nor password can be printed', async () => {
  const keys = await unlock(makeKeyBag({ password: password.reveal() }))
  const printed =
    inspect({ keys, password }, { showHidden: true, depth: 20, showProxy: true }) + JSON.stringify({ keys, password })
  assert.ok(!printed.includes(password.reveal()))
  const classKey = fixedBytes('class 3', 32)
  for (const text of [classKey.toString('hex'), classKey.toString('base64'), inspect(classKey).slice(8, 30)]) {
    assert.ok(!printed.includes(text))
  }
})

const HEADER = [tag('UUID', u32(0)), ...GOLDEN_ROUNDS]
const CLASS = [tag('UUID', u32(1)), tag('CLAS', u32(4)), tag('WRAP', u32(2)), tag('WPKY', Buffer.alloc(40))]

const BAD_BAGS: readonly (readonly [claim: string, parts: readonly Uint8Array[], saw: RegExp])[] = [
  ['nothing', [], /lacks ITER/],
  [
    'a length beyond its end',
    [...HEADER, Buffer.from('WPKY\xff\xff\xff\xff', 'latin1')],
    /ends in the middle of a value/,
  ],
  ['half a tag', [...HEADER, ...CLASS, Buffer.from('WRAP\0\0')], /ends in the middle of a value/],
  ['no iterations', [tag('UUID', u32(0)), tag('SALT', u32(1)), ...CLASS], /lacks ITER/],
  ['a salt for the first round only', [...HEADER, tag('DPSL', u32(1)), ...CLASS], /lacks DPIC/],
  ['zero iterations', [tag('SALT', u32(1)), tag('ITER', u32(0)), ...CLASS], /asks for 0 iterations/],
  [
    'iterations for a year',
    [...HEADER, tag('DPSL', u32(1)), tag('DPIC', u32(0xffffffff)), ...CLASS],
    /asks for 4294967295 iterations/,
  ],
  [
    'a number of two bytes',
    [tag('SALT', u32(1)), tag('ITER', Buffer.alloc(2)), ...CLASS],
    /ITER in the key bag has 2 bytes/,
  ],
  ['a tag twice', [...HEADER, tag('SALT', u32(1)), ...CLASS], /has "SALT" twice/],
  ['a class twice', [...HEADER, ...CLASS, ...CLASS], /has class 4 twice/],
  ['a class without a number', [...HEADER, ...CLASS.toSpliced(1, 1)], /lacks CLAS/],
  ['a class without a key', [...HEADER, ...CLASS.slice(0, 3)], /lacks WPKY/],
  ['a short key', [...HEADER, ...CLASS.slice(0, 3), tag('WPKY', Buffer.alloc(32))], /class 4 has a key of 32 bytes/],
  ['no class', HEADER, /no class that a password opens/],
  ['a class for the phone only', [...HEADER, ...CLASS.with(2, tag('WRAP', u32(3)))], /no class that a password opens/],
  ['more than any phone writes', [...HEADER, ...CLASS, tag('JUNK', Buffer.alloc(65_536))], /key bag has \d+ bytes/],
]

for (const [claim, parts, saw] of BAD_BAGS) {
  test(`a key bag with ${claim} is damaged`, () => {
    assert.throws(() => parseKeyBag(Buffer.concat(parts)), damagedBy(saw))
  })
}

test('unknown tags are passed over', () => {
  const odd = [tag('SIGN', Buffer.alloc(9)), tag('\0\0\0\0', Buffer.alloc(0))]
  assert.equal(parseKeyBag(Buffer.concat([...HEADER, ...odd, ...CLASS, ...odd])).wrappedKeys.size, 1)
})

test('any bytes are a key bag, or damaged', () => {
  const bag = makeKeyBag({ password: 'a' })
  const cutOrChanged = fc
    .record({ length: fc.nat(bag.length), at: fc.nat(bag.length - 1), byte: fc.nat(255) })
    .map(({ length, at, byte }) => {
      const copy = Buffer.from(bag.subarray(0, length))
      if (at < length) copy[at] = byte
      return copy
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), cutOrChanged), (bytes) => {
      try {
        assert.ok(parseKeyBag(bytes).wrappedKeys.size > 0)
      } catch (error) {
        assert.ok(isAppError(error, 'backup-set.damaged'), String(error))
      }
    }),
    { numRuns: 1000 },
  )
})
