import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveLimits, threadsFor } from './limits.ts'

const MIB = 2 ** 20

test('a machine with one core packs without threads, others with one for each core, up to four', () => {
  const threads = [1, 2, 3, 4, 16].map((cores) => threadsFor({ cores, memoryBytes: 16 * 1024 * MIB }))
  assert.deepEqual(threads, [0, 2, 3, 4, 4])
})

test('little memory means fewer threads: two on a board with four cores and 1 GB, one in a container of 256 MiB', () => {
  assert.equal(threadsFor({ cores: 4, memoryBytes: 920 * MIB }), 2)
  assert.equal(threadsFor({ cores: 4, memoryBytes: 256 * MIB }), 1)
})

test('what is not named follows the number of threads', () => {
  assert.deepEqual(resolveLimits({ threads: 0 }), { threads: 0, inFlightBytesMax: 8 * MIB, savingPacksMax: 2 })
  assert.deepEqual(resolveLimits({ threads: 3 }), { threads: 3, inFlightBytesMax: 32 * MIB, savingPacksMax: 3 })
  const all = { threads: 2, inFlightBytesMax: MIB, savingPacksMax: 1 }
  assert.deepEqual(resolveLimits(all), all)
})
