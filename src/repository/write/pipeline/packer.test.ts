import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../../base/errors.ts'
import { randomMasterKey, Sealer } from '../../format/crypto.ts'
import { sha256 } from '../../format/id.ts'
import type { FinishedPack } from '../../packs/pack.ts'
import { openBlob } from '../../repository.ts'
import { seededBytes } from '../../testing/bytes.ts'
import { Packer } from './packer.ts'

const sealer = new Sealer(randomMasterKey())

/** Bad memory: one bit of what was sealed is another one. */
class FlippingSealer extends Sealer {
  override sealInto(target: Uint8Array<ArrayBuffer>, plain: Uint8Array): number {
    const size = super.sealInto(target, plain)
    target[size >> 1]! ^= 1
    return size
  }
}

const nothingClosed = () => assert.fail('No pack is full')
const damaged = (error: unknown) => isAppError(error, 'repo.damaged')

for (const [what, plain] of [
  ['text', Buffer.from('text that shrinks. '.repeat(20_000))],
  ['a photo', seededBytes(1, 300_000)],
  ['a small file', Buffer.from('small')],
] as const) {
  const blob = { sort: 'media', id: sha256(plain), plain } as const

  test(`${what} that was not sealed as it was given is not packed`, () => {
    const packer = (verify: boolean) =>
      new Packer({ sealer: new FlippingSealer(sealer.masterKey), verify, onPack: nothingClosed })
    assert.throws(() => packer(true).pack(blob), damaged)
    packer(false).pack(blob)
  })

  test(`${what} that changed after it was hashed is not packed`, () => {
    const packer = new Packer({ sealer, verify: true, onPack: nothingClosed })
    assert.throws(() => packer.pack({ ...blob, id: sha256(Buffer.from('before')) }), damaged)
  })

  test(`${what} is found in the open pack, and opens`, async () => {
    const packer = new Packer({ sealer, verify: true, onPack: nothingClosed })
    const sealedBytes = packer.pack(blob)
    const found = packer.find('data', blob.id)
    assert.equal(found?.blob.length, sealedBytes)
    assert.ok(plain.equals(await openBlob(sealer, found!.blob, found!.sealed)))
    assert.equal(packer.find('tree', blob.id), undefined)
  })
}

test('media, churn and trees lie in packs of their own', () => {
  const packer = new Packer({ sealer, verify: false, onPack: nothingClosed })
  for (const [n, sort] of (['media', 'churn', 'tree', 'media'] as const).entries()) {
    const plain = seededBytes(n, 1000)
    packer.pack({ sort, id: sha256(plain), plain })
  }
  const leftovers = packer.takeLeftovers().map(({ sort, blobs }) => [sort, blobs.length])
  assert.deepEqual(leftovers, [
    ['media', 2],
    ['churn', 1],
    ['tree', 1],
  ])
  assert.deepEqual(packer.takeLeftovers(), [])
})

test('a buffer that was given back is filled again, and nothing of it is seen', async () => {
  const packs: FinishedPack[] = []
  const packer = new Packer({ sealer, verify: false, onPack: (pack) => packs.push(pack) })
  const fill = (seed: number) => {
    const plain = seededBytes(seed, 6 << 20)
    for (let n = 0; n < 3; n++) packer.pack({ sort: 'media', id: sha256(plain), plain })
    return plain
  }
  fill(1)
  const buffer = packs[0]!.body.buffer
  packer.reuse(buffer)
  const plain = fill(2)
  fill(3)
  const { body, blobs } = packs[2]!
  assert.equal(body.buffer, buffer)
  for (const blob of blobs) {
    const sealed = body.subarray(blob.offset, blob.offset + blob.length)
    assert.ok(plain.equals(await openBlob(sealer, blob, sealed)))
  }
})
