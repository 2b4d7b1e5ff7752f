import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unwrapKey, wrapKey } from './key-wrap.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

// RFC 3394, section 4.6.
const KEK = hex('000102030405060708090A0B0C0D0E0F 101112131415161718191A1B1C1D1E1F')
const KEY = hex('00112233445566778899AABBCCDDEEFF 000102030405060708090A0B0C0D0E0F')
const WRAPPED = hex('28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21')

test('a key is wrapped as in the vector of RFC 3394', () => {
  assert.deepEqual(wrapKey(KEK, KEY), WRAPPED)
  assert.deepEqual(unwrapKey(KEK, WRAPPED), KEY)
})

test('a wrong key, a flipped bit and a missing byte are all noticed', () => {
  assert.equal(unwrapKey(KEY, WRAPPED), undefined)
  for (const index of WRAPPED.keys()) {
    assert.equal(unwrapKey(KEK, WRAPPED.with(index, WRAPPED[index]! ^ 1)), undefined, `byte ${index}`)
  }
  for (const size of [0, 8, 39]) assert.equal(unwrapKey(KEK, WRAPPED.subarray(0, size)), undefined, `${size} bytes`)
})
