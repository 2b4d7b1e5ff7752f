import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { encodeBinaryPlist, type Plist, PlistReal, PlistUid, parsePlist } from './index.ts'

/** The objects' bytes alone, without magic, offset table and trailer. */
function objectsOf(value: Plist): string {
  const bytes = Buffer.from(encodeBinaryPlist(value))
  return bytes.subarray(8, Number(bytes.readBigUInt64BE(bytes.length - 8))).toString('hex')
}

test('a whole list, byte by byte', () => {
  // Magic; dict of one: key 1, value 2; "a"; true; offsets; trailer: offsets and references of 1 byte, 3 objects, top 0, table at 14.
  const expected = `${Buffer.from('bplist00').toString('hex')} d10102 5161 09 080b0d 0000000000000101
    0000000000000003 0000000000000000 000000000000000e`
  assert.equal(Buffer.from(encodeBinaryPlist({ a: true })).toString('hex'), expected.replace(/\s/g, ''))
})

// By hand from the format: docs/protocol/property-lists.md#binary.
const OBJECTS: readonly (readonly [claim: string, value: Plist, hex: string])[] = [
  [
    'an integer takes the fewest of 1, 2 and 4 bytes',
    [255, 256, 65535, 65536],
    'a401020304 10ff 110100 11ffff 1200010000',
  ],
  ['an integer of 8 bytes is signed', [2 ** 32, -1], 'a20102 130000000100000000 13ffffffffffffffff'],
  ['what does not fit into 8 signed bytes takes 16', 2n ** 63n, '140000000000000000 8000000000000000'],
  ['below -2^63 too', -(2n ** 63n) - 1n, '14ffffffffffffffff 7fffffffffffffff'],
  ['a whole real stays a real', new PlistReal(2), '234000000000000000'],
  ['a number with a fraction is a real', 2.1, '234000cccccccccccd'],
  ['a number beyond 2^53 is a real', 2 ** 60, '2343b0000000000000'],
  ['a date counts seconds from 2001', new Date('2001-01-01T00:00:01.500Z'), '333ff8000000000000'],
  ['a text beyond ASCII is UTF-16', 'é', '6100e9'],
  ['a count from 15 on is an integer of its own', 'a'.repeat(15), `5f100f${'61'.repeat(15)}`],
  ['data is as it is', Uint8Array.of(1, 2), '420102'],
  ['references into an archive take 1, 2 or 4 bytes', [new PlistUid(7), new PlistUid(65536)], 'a20102 8007 8300010000'],
  ['equal texts are one object, keys too', { a: 'a', b: ['a'] }, 'd20102 0103 5161 5162 a101'],
  ['equal numbers are one object', [7, 7, 7], 'a3010101 1007'],
  ['a number and a real are two', [2, new PlistReal(2)], 'a20102 1002 234000000000000000'],
  ['a truth, a one and a "1" are three', [true, 1, '1'], 'a3010203 09 1001 5131'],
  ['equal dates are one object', [new Date(0), new Date(0)], 'a20101 33c1cd27e440000000'],
  ['equal data is one object', [Uint8Array.of(7), Uint8Array.of(7)], 'a20101 4107'],
  ['equal references are one object', [new PlistUid(7), new PlistUid(7)], 'a20101 8007'],
  ['equal containers are two', [[], []], 'a20102 a0 a0'],
]

for (const [claim, value, hex] of OBJECTS) {
  test(`binary: ${claim}`, () => assert.equal(objectsOf(value), hex.replaceAll(' ', '')))
}

// Sizes seen in logs of real phones: docs/protocol/backup-set.md#status.
for (const [backupState, snapshotState, size] of [
  ['new', 'finished', 189],
  ['new', 'removing', 189],
  ['new', 'moving', 187],
  ['new', 'uploading', 190],
  ['empty', 'uploading', 192],
] as const) {
  test(`a Status.plist in the states ${backupState} and ${snapshotState} has the ${size} bytes that phones send`, () => {
    const status = {
      UUID: 'F6A8C1B2-0D3E-4F5A-9B8C-7D6E5F4A3B2C',
      Version: '3.3',
      Date: new Date('2024-02-03T04:05:06Z'),
      BackupState: backupState,
      SnapshotState: snapshotState,
      IsFullBackup: false,
    }
    assert.equal(encodeBinaryPlist(status).length, size)
  })
}

for (const count of [254, 255, 256, 65_535, 65_536]) {
  test(`binary: ${count} items and their array read back, whatever the size of references and offsets`, () => {
    const items = Array.from({ length: count }, (_, index) => index)
    assert.deepEqual(parsePlist(encodeBinaryPlist(items)), items)
  })
}

test('binary: 512 levels are written and read, one more is refused', () => {
  const nested = (levels: number): Plist => Array.from({ length: levels }).reduce<Plist>((inner) => [inner], 'core')
  assert.deepEqual(parsePlist(encodeBinaryPlist(nested(512)), { depthMax: 512 }), nested(512))
  assert.throws(
    () => encodeBinaryPlist(nested(513)),
    (error) => isAppError(error, 'plist.too-big'),
  )
})

test('binary: a list that contains itself is refused', () => {
  const loop: Plist[] = []
  loop.push(loop)
  assert.throws(
    () => encodeBinaryPlist(loop),
    (error) => isAppError(error, 'plist.too-big'),
  )
})

test('binary: whole numbers beyond 128 bits are refused', () => {
  for (const value of [2n ** 127n, -(2n ** 127n) - 1n]) {
    assert.throws(
      () => encodeBinaryPlist(value),
      (error) => isAppError(error, 'plist.too-big'),
    )
  }
})
