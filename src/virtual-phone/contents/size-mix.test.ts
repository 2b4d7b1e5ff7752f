import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../base/random.ts'
import { mixSizes } from './size-mix.ts'

test('sizes are as many as asked and add up to the bytes asked', () => {
  const options = fc.record({ files: fc.integer({ min: 1, max: 3_000 }), bytes: fc.integer({ min: 0, max: 2 ** 40 }) })
  fc.assert(
    fc.property(options, fc.nat(), ({ files, bytes }, seed) => {
      const sizes = mixSizes({ files, bytes }, seededRandom(seed))
      assert.equal(sizes.length, files)
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        bytes,
      )
      assert.ok(sizes.every((size) => size >= 0 && Number.isInteger(size)))
    }),
  )
})

test('half of the files are below a kilobyte and some have no bytes at all', () => {
  const sizes = mixSizes({ files: 10_000, bytes: 2e9 }, seededRandom(1)).sort()
  assert.ok(sizes[5_000]! < 1_024)
  assert.equal(sizes[50], 0)
  assert.ok(sizes[9_999]! > 10_000_000)
})
