import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  arrayOf,
  boolOf,
  bytesOf,
  dateOf,
  dictOf,
  numberOf,
  type Plist,
  PlistReal,
  PlistUid,
  signedOf,
  textOf,
  uidOf,
} from './index.ts'

test('each reader of a type gives that type and nothing else', () => {
  const samples = {
    text: 'a',
    bool: false,
    bytes: Uint8Array.of(1),
    date: new Date(0),
    array: [1],
    dict: { a: 1 },
    number: 7,
    uid: new PlistUid(3),
  }
  const readers = {
    text: textOf,
    bool: boolOf,
    bytes: bytesOf,
    date: dateOf,
    array: arrayOf,
    dict: dictOf,
    number: numberOf,
    uid: uidOf,
  }
  for (const [type, read] of Object.entries(readers)) {
    assert.equal(read(undefined), undefined)
    for (const [sampleType, sample] of Object.entries<Plist>(samples)) {
      const expected = sampleType !== type ? undefined : sample instanceof PlistUid ? sample.value : sample
      assert.equal(read(sample), expected, `${type} of ${sampleType}`)
    }
  }
})

test('numberOf takes every kind of number', () => {
  assert.equal(numberOf(2n ** 60n), 2 ** 60)
  assert.equal(numberOf(new PlistReal(2.1)), 2.1)
})

test('signedOf reads the upper half of 64 bits as the negative numbers they stand for', () => {
  assert.equal(signedOf(2n ** 64n - 13n), -13)
  assert.equal(signedOf(2n ** 63n), -(2 ** 63))
  assert.equal(signedOf(2n ** 63n - 1n), 2 ** 63)
  assert.equal(signedOf(2n ** 64n), 2 ** 64)
  assert.equal(signedOf(-13), -13)
  assert.equal(signedOf(0), 0)
})

test('signedOf takes whole numbers only', () => {
  for (const value of [undefined, '1', 1.5, new PlistReal(1)]) assert.equal(signedOf(value), undefined)
})
