import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { type Plist, type PlistLimits, PlistReal, PlistUid, parsePlist } from './index.ts'

interface Trailer {
  readonly offsetBytes: number
  readonly refBytes: number
  readonly count: number | bigint
  readonly top: number | bigint
  readonly table: number | bigint
}

/** A binary list of objects written in hex, with offsets and references of one byte, unless the trailer says otherwise. */
function listOf(objects: readonly string[], lies: Partial<Trailer> = {}): Buffer {
  const bodies = objects.map((object) => Buffer.from(object.replaceAll(' ', ''), 'hex'))
  const offsets = bodies.map((_, index) => 8 + Buffer.concat(bodies.slice(0, index)).length)
  const table = 8 + Buffer.concat(bodies).length
  const trailer = { offsetBytes: 1, refBytes: 1, count: objects.length, top: 0, table, ...lies }
  const tail = Buffer.alloc(32)
  tail[6] = trailer.offsetBytes
  tail[7] = trailer.refBytes
  tail.writeBigUInt64BE(BigInt(trailer.count), 8)
  tail.writeBigUInt64BE(BigInt(trailer.top), 16)
  tail.writeBigUInt64BE(BigInt(trailer.table), 24)
  return Buffer.concat([Buffer.from('bplist00'), ...bodies, Buffer.from(offsets), tail])
}

const dictOf = (entries: Record<string, Plist>) => Object.assign(Object.create(null), entries)

function refuses(bytes: Uint8Array, code: string, saw: RegExp, limits?: Partial<PlistLimits>): void {
  assert.throws(
    () => parsePlist(bytes, limits),
    (error) => isAppError(error, code) && saw.test(error.message),
  )
}

// By hand from the format; libplist and Python's plistlib read them alike: docs/protocol/property-lists.md#binary.
const SCALARS: readonly (readonly [claim: string, hex: string, value: Plist])[] = [
  ['08 is false', '08', false],
  ['09 is true', '09', true],
  ['an integer of one byte is unsigned', '10 ff', 255],
  ['an integer of two bytes is unsigned', '11 fffe', 65534],
  ['an integer of four bytes is unsigned', '12 fffffffe', 2 ** 32 - 2],
  ['an integer of eight bytes is signed', '13 fffffffffffffff3', -13],
  ['an integer up to 2^53 - 1 is a number', '13 001fffffffffffff', 2 ** 53 - 1],
  ['an integer from 2^53 on is a bigint', '13 0020000000000000', 2n ** 53n],
  ['an integer of sixteen bytes may hold what is beyond 2^63', '14 0000000000000000 fffffffffffffff3', 2n ** 64n - 13n],
  ['an integer of sixteen bytes is signed', '14 ffffffffffffffff fffffffffffffff3', -13],
  ['a real of four bytes', '22 3fc00000', new PlistReal(1.5)],
  ['a real of eight bytes', '23 4000cccccccccccd', new PlistReal(2.1)],
  ['a date counts seconds from 2001', '33 0000000000000000', new Date('2001-01-01T00:00:00Z')],
  ['a date may lie before 2001 and have fractions', '33 bff8000000000000', new Date('2000-12-31T23:59:58.500Z')],
  ['data with a short count', '43 010203', Uint8Array.of(1, 2, 3)],
  ['data with a long count', `4f 10 0f ${'ab'.repeat(15)}`, new Uint8Array(15).fill(0xab)],
  ['data without bytes', '40', new Uint8Array(0)],
  ['an ASCII text', '55 48656c6c6f', 'Hello'],
  ['an ASCII text with a count of two bytes', `5f 11 0100 ${'61'.repeat(256)}`, 'a'.repeat(256)],
  ['a UTF-16 text counts its units', '63 00e9 d83d de00', 'é😀'],
  ['a UTF-16 text may hold half a surrogate pair', '61 d83d', '\ud83d'],
  ['a reference into an archive, of one byte', '80 07', new PlistUid(7)],
  ['a reference into an archive, of two bytes', '81 0107', new PlistUid(263)],
  ['an empty array', 'a0', []],
  ['an empty dictionary', 'd0', dictOf({})],
]

for (const [claim, hex, value] of SCALARS) {
  test(`binary: ${claim}`, () => assert.deepEqual(parsePlist(listOf([hex])), value))
}

test('binary: an array refers to its items', () => {
  assert.deepEqual(parsePlist(listOf(['a3 01 02 01', '10 05', '09'])), [5, true, 5])
})

test('binary: sets, ordered or not, are read as arrays', () => {
  assert.deepEqual(parsePlist(listOf(['b1 01', '10 05'])), [5])
  assert.deepEqual(parsePlist(listOf(['c1 01', '10 05'])), [5])
})

test('binary: a dictionary has its keys before its values', () => {
  assert.deepEqual(parsePlist(listOf(['d2 01 02 03 04', '51 61', '51 62', '10 01', '10 02'])), dictOf({ a: 1, b: 2 }))
})

test('binary: of a key that occurs twice the last value stays', () => {
  assert.deepEqual(parsePlist(listOf(['d2 01 01 02 03', '51 61', '10 01', '10 02'])), dictOf({ a: 2 }))
})

test('binary: references may have three bytes, the top object may stand anywhere', () => {
  assert.deepEqual(parsePlist(listOf(['10 05', 'a1 000000'], { refBytes: 3, top: 1 })), [5])
})

test('binary: __proto__ is a key like any other', () => {
  const value = parsePlist(listOf(['d1 01 02', `59 ${Buffer.from('__proto__').toString('hex')}`, 'd0']))
  assert.equal(Object.getPrototypeOf(value), null)
  assert.deepEqual(Object.keys(value), ['__proto__'])
})

test('binary: the result shares no memory with the input', () => {
  const bytes = listOf(['42 0102'])
  const value = parsePlist(bytes)
  bytes.fill(0xff)
  assert.deepEqual(value, Uint8Array.of(1, 2))
})

test('binary: a list is read from the middle of a larger buffer', () => {
  const bytes = listOf(['a1 01', '13 fffffffffffffff3'])
  const larger = Buffer.concat([Buffer.from('noise'), bytes, Buffer.from('noise')])
  assert.deepEqual(parsePlist(larger.subarray(5, 5 + bytes.length)), [-13])
})

const DAMAGED: readonly (readonly [claim: string, bytes: Buffer, saw: RegExp])[] = [
  ['only a magic', Buffer.from('bplist00'), /8 bytes is too short/],
  ['no objects', listOf([]), /object 0, of 0/],
  [
    'references of no bytes, which make any count fit',
    listOf(['af 13 0000000100000000'], { refBytes: 0 }),
    /of 0 bytes/,
  ],
  ['offsets of no bytes', listOf(['09'], { offsetBytes: 0 }), /offsets of 0/],
  ['references of nine bytes', listOf(['09'], { refBytes: 9 }), /references of 9/],
  ['more objects than offsets', listOf(['09'], { count: 2 }), /claims 2 objects/],
  ['more objects than any file holds', listOf(['09'], { count: 2n ** 64n - 1n }), /claims 1844674407370955\d+ objects/],
  ['an offset table beyond the end', listOf(['09'], { table: 2n ** 63n }), /before byte 9223372036854776000/],
  ['an offset table within the magic', listOf(['09'], { table: 4 }), /before byte 4/],
  ['a top object that is not there', listOf(['09'], { top: 1 }), /object 1, of 1/],
  ['a reference that leads nowhere', listOf(['a1 05']), /object 5, of 1/],
  ['an array that needs more references than there is room', listOf(['af 12 ffffffff']), /needs 4294967295 bytes/],
  ['a dictionary whose values are cut off', listOf(['d1 00']), /needs 2 bytes/],
  ['a text longer than the file', listOf(['5f 13 7fffffffffffffff']), /needs 92233720368547\d+ bytes/],
  ['a UTF-16 text longer than the file', listOf(['62 0041']), /needs 4 bytes/],
  ['a count that is no integer', listOf(['5f 51 41']), /0x51/],
  ['an integer that is cut off', listOf(['13 00']), /needs 8 bytes/],
  ['an integer of 32 bytes', listOf([`15 ${'00'.repeat(32)}`]), /integer of 32 bytes/],
  ['a real of two bytes', listOf(['21 0000']), /0x21/],
  ['a date that is not a number', listOf(['33 7ff8000000000000']), /date NaN/],
  ['a date beyond what can be shown', listOf(['33 7fe0000000000000']), /date 8\.98/],
  ['an ASCII text that is not ASCII', listOf(['51 e9']), /marked as ASCII but is not/],
  ['a key that is not a text', listOf(['d1 01 01', '10 05']), /key that is not a text/],
  ['a reference into an archive beyond 2^32', listOf(['84 0100000000']), /archived object 4294967296/],
  ['null, which Apple never writes', listOf(['00']), /0x00/],
  ['an unknown kind', listOf(['f0']), /0xf0/],
  ['an array that contains itself', listOf(['a1 00']), /contains itself/],
  [
    'a dictionary that contains itself further down',
    listOf(['a1 01', 'd1 02 00', '51 61']),
    /Object 0 contains itself/,
  ],
]

for (const [claim, bytes, saw] of DAMAGED) {
  test(`binary: ${claim} is refused`, () => refuses(bytes, 'plist.malformed', saw))
}

test('binary: an object is never read from the offset table or the trailer', () => {
  const bytes = listOf(['09'])
  bytes[9] = 9
  refuses(bytes, 'plist.malformed', /Object 0 is said to be at byte 9/)
  bytes[9] = 7
  refuses(bytes, 'plist.malformed', /Object 0 is said to be at byte 7/)
})

/** Arrays of ten, each item the next array: 10^levels values from a few bytes. */
function bomb(levels: number): Buffer {
  const arrays = Array.from(
    { length: levels },
    (_, level) => `aa ${`0${(level + 1).toString(16)}`.slice(-2).repeat(10)}`,
  )
  return listOf([...arrays, '09'])
}

test('binary: shared arrays that expand to a billion values cost no more than the file weighs', () => {
  const bytes = bomb(9)
  assert.ok(bytes.length < 163)
  refuses(bytes, 'plist.too-big', /more values than are allowed/)
})

test('binary: an array that is shared a few times is read for each place', () => {
  assert.deepEqual(parsePlist(listOf(['a2 01 01', 'a1 02', '10 05'])), [[5], [5]])
})

test('binary: a large text that many refer to counts for each place', () => {
  const bytes = listOf(['a4 01 01 01 01', `5f 10 64 ${'61'.repeat(100)}`])
  assert.equal(JSON.stringify(parsePlist(bytes, { outputBytesMax: 400 })).length, 413)
  refuses(bytes, 'plist.too-big', /bytes of text and data/, { outputBytesMax: 399 })
})

test('binary: nesting is allowed up to the limit and refused beyond', () => {
  const nested = (levels: number) =>
    listOf([
      ...Array.from({ length: levels - 1 }, (_, level) => `a1 ${(level + 1).toString(16).padStart(2, '0')}`),
      'a0',
    ])
  let value = parsePlist(nested(64))
  for (let level = 1; level < 64; level++) value = Array.isArray(value) ? value[0] : assert.fail('Not an array')
  assert.deepEqual(value, [])
  refuses(nested(65), 'plist.too-big', /deeper than 64 levels/)
})

test('binary: the number of values has a limit', () => {
  const bytes = listOf(['a3 01 01 01', '09'])
  assert.deepEqual(parsePlist(bytes, { visitsMax: 4 }), [true, true, true])
  refuses(bytes, 'plist.too-big', /more values than are allowed/, { visitsMax: 3 })
})
