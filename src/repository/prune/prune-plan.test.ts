import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256 } from '../format/id.ts'
import type { PackUse } from './pack-use.ts'
import { PRUNE_DEFAULTS, type PruneLimits, planPrune, summarizePrune } from './prune-plan.ts'

const packs: fc.Arbitrary<readonly PackUse[]> = fc
  .array(
    fc.record({
      holds: fc.constantFrom('data', 'data', 'data', 'tree', 'mixed'),
      blobs: fc.integer({ min: 1, max: 20 }),
      used: fc.integer({ min: 0, max: 20 }),
      blobBytes: fc.integer({ min: 1, max: 2_000_000 }),
    }),
    { maxLength: 40 },
  )
  .map((list) => {
    return list.map(({ holds, blobs, used, blobBytes }, index) => {
      const usedBlobs = Math.min(used, blobs)
      const sizes = { bytes: blobs * blobBytes + 36, usedBytes: usedBlobs === 0 ? 0 : usedBlobs * blobBytes + 36 }
      return { id: sha256(Buffer.from(String(index))), holds, blobs, usedBlobs, ...sizes } as const
    })
  })

const limits: fc.Arbitrary<PruneLimits> = fc.record({
  maxUnused: fc.oneof(
    fc.record({ percent: fc.integer({ min: 0, max: 99 }) }),
    fc.record({ bytes: fc.constantFrom(0, 1_000_000, Number.POSITIVE_INFINITY) }),
  ),
  maxRepackBytes: fc.constantFrom(0, 10_000_000, Number.POSITIVE_INFINITY),
  repackSmall: fc.boolean(),
})

const planned = (list: readonly PackUse[], chosen: PruneLimits) => planPrune(list, { orphans: [], limits: chosen })
const sum = (list: readonly PackUse[], of: (pack: PackUse) => number) =>
  list.reduce((total, pack) => total + of(pack), 0)
const unusedOf = ({ bytes, usedBytes }: PackUse) => bytes - usedBytes

test('exactly the packs that nobody needs are removed, and none of them is repacked', () => {
  fc.assert(
    fc.property(packs, limits, (list, chosen) => {
      const { remove, repack } = planned(list, chosen)
      assert.deepEqual(
        remove,
        list.filter(({ usedBlobs }) => usedBlobs === 0),
      )
      assert.ok(repack.every(({ usedBlobs }) => usedBlobs > 0))
      assert.equal(new Set(repack).size, repack.length)
    }),
  )
})

test('what stays unused is within the limit, unless the limit on repacking forbids', () => {
  fc.assert(
    fc.property(packs, limits, (list, chosen) => {
      const { remove, repack, unusedBytesAfter } = planned(list, {
        ...chosen,
        maxRepackBytes: Number.POSITIVE_INFINITY,
      })
      const usedBytes = sum(list, (pack) => pack.usedBytes)
      assert.equal(unusedBytesAfter, sum(list, unusedOf) - sum([...remove, ...repack], unusedOf))
      const { maxUnused } = chosen
      if ('bytes' in maxUnused) assert.ok(unusedBytesAfter <= maxUnused.bytes)
      else assert.ok(unusedBytesAfter * 100 <= maxUnused.percent * (usedBytes + unusedBytesAfter) + 1)
    }),
  )
})

test('no more is repacked than the limit allows', () => {
  fc.assert(
    fc.property(packs, limits, (list, chosen) => {
      const { repack } = planned(list, chosen)
      assert.ok(sum(repack, ({ bytes }) => bytes) <= chosen.maxRepackBytes)
    }),
  )
})

test('packs that are wholly in use stay as they are, unless many are small, or trees lie beside data', () => {
  fc.assert(
    fc.property(packs, limits, (list, chosen) => {
      const { repack } = planned(list, { ...chosen, repackSmall: false })
      for (const { usedBlobs, blobs, holds } of repack) assert.ok(usedBlobs < blobs || holds === 'mixed')
    }),
  )
})

test('of packs of data those with the most to gain are repacked first', () => {
  fc.assert(
    fc.property(packs, limits, (list, chosen) => {
      const { repack } = planned(list, { ...chosen, repackSmall: false, maxRepackBytes: Number.POSITIVE_INFINITY })
      const data = repack.filter(({ holds }) => holds === 'data')
      const least = Math.min(...data.map((pack) => unusedOf(pack) / pack.bytes))
      for (const pack of list) {
        const isLeft = pack.holds === 'data' && pack.usedBlobs > 0 && !repack.includes(pack)
        if (isLeft && data.length > 0) assert.ok(unusedOf(pack) / pack.bytes <= least)
      }
    }),
  )
})

const small = (count: number): readonly PackUse[] =>
  Array.from({ length: count }, (_, index) => {
    const id = sha256(Buffer.from(String(index)))
    return { id, holds: 'data', blobs: 1, bytes: 1000, usedBlobs: 1, usedBytes: 1000 }
  })

test('small packs are put together when they are many, and only if that is wanted', () => {
  const wanted = { ...PRUNE_DEFAULTS, repackSmall: true }
  assert.equal(planned(small(10), wanted).repack.length, 10)
  assert.equal(planned(small(9), wanted).repack.length, 0)
  assert.equal(planned(small(10), PRUNE_DEFAULTS).repack.length, 0)
})

test('a summary tells what becomes free and what is left', () => {
  const id = sha256(Buffer.from('x'))
  const pack = { id, holds: 'data', blobs: 2, usedBlobs: 1 } as const
  const list: readonly PackUse[] = [
    { ...pack, bytes: 1000, usedBytes: 100 },
    { ...pack, bytes: 1000, usedBytes: 990 },
    { ...pack, bytes: 500, usedBytes: 0, usedBlobs: 0 },
  ]
  const plan = planPrune(list, { orphans: [{ id, sizeBytes: 7 }], limits: PRUNE_DEFAULTS })
  assert.deepEqual(summarizePrune(plan, list), {
    orphanPacks: 1,
    removePacks: 1,
    repackPacks: 1,
    repackBytes: 100,
    freedBytes: 7 + 500 + 900,
    remainingBytes: 1100,
    unusedBytesAfter: 10,
  })
})
