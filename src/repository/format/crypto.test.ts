import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomMasterKey, SEAL_BYTES, Sealer } from './crypto.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const sealer = new Sealer(randomMasterKey())

test('the tag is Poly1305-AES as its author published it', () => {
  // D. J. Bernstein, "The Poly1305-AES message-authentication code", appendix B, the first two messages.
  const vectors = [
    {
      r: '851fc40c3467ac0be05cc20404f3f700',
      k: 'ec074c835580741701425b623235add6',
      n: 'fb447350c4e868c52ac3275cf9d4327e',
      message: 'f3f6',
      tag: 'f4c633c3044fc145f84f335cb81953de',
    },
    {
      r: 'a0f3080000f46400d0c7e9076c834403',
      k: '75deaa25c09f208e1dc4ce6b5cad3fbf',
      n: '61ee09218d29b0aaed7e154a2c5509cc',
      message: '',
      tag: 'dd3fab2251f11ac759f0887129cc2ee7',
    },
  ]
  for (const { r, k, n, message, tag } of vectors) {
    const encrypt = new Uint8Array(32)
    const opened = new Sealer({ encrypt, macK: hex(k), macR: hex(r) }).open(hex(n + message + tag))
    const plain = createCipheriv('aes-256-ctr', encrypt, hex(n)).update(hex(message))
    assert.deepEqual(opened && Buffer.from(opened), plain)
  }
})

test('what was sealed opens again, and is a seal of nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (plain) => {
      const sealed = sealer.seal(plain)
      assert.equal(sealed.length, plain.length + SEAL_BYTES)
      assert.deepEqual(Buffer.from(sealer.open(sealed)!), Buffer.from(plain))
      assert.ok(sealer.isSealOf(plain, sealed))
      assert.equal(sealer.isSealOf(Uint8Array.of(...plain, 0), sealed), false)
    }),
  )
})

test('more than one slice is sealed as one stream', () => {
  const plain = Buffer.alloc(1_000_000, 'slices')
  const sealed = sealer.seal(plain)
  assert.ok(plain.equals(sealer.open(sealed)!))
  assert.ok(sealer.isSealOf(plain, sealed))
  const other = Buffer.from(plain)
  other[900_000]! ^= 1
  assert.equal(sealer.isSealOf(other, sealed), false)
})

test('no changed bit goes unnoticed', () => {
  const sealed = sealer.seal(Buffer.from('one blob'))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Uint8Array.from(sealed)
    changed[bit >>> 3]! ^= 1 << (bit & 7)
    assert.equal(sealer.open(changed), undefined)
  }
})

test('too short, another key, or an IV of zeros do not open', () => {
  assert.equal(sealer.open(new Uint8Array(SEAL_BYTES - 1)), undefined)
  assert.equal(new Sealer(randomMasterKey()).open(sealer.seal(Buffer.from('x'))), undefined)
  assert.equal(sealer.open(new Uint8Array(64)), undefined)
})

test('the same bytes are never sealed the same way twice', () => {
  const plain = Buffer.from('same')
  assert.notDeepEqual(sealer.seal(plain), sealer.seal(plain))
})
