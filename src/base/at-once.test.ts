import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachAtOnce } from './at-once.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('every item is worked on once, never more than the limit at a time, and taken only when there is room', async () => {
  let taken = 0
  let working = 0
  const seen: number[] = []
  const items = function* () {
    for (; taken < 20; taken++) {
      assert.ok(taken - seen.length <= 3)
      yield taken
    }
  }
  await forEachAtOnce(3, items(), async (item) => {
    assert.ok(++working <= 3)
    await turn()
    working--
    seen.push(item)
  })
  assert.deepEqual(
    seen.toSorted((one, other) => one - other),
    Array.from({ length: 20 }, (_, index) => index),
  )
})

test('after a failure nothing more begins, and what began is waited for', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const working = forEachAtOnce(2, [1, 2, 3, 4, 5], async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('first')
    await turn()
    ended.push(item)
    throw new Error('second')
  })
  await assert.rejects(working, /first/)
  assert.deepEqual([begun, ended], [[1, 2], [2]])
})

test('items that cannot be had are a failure like any other', async () => {
  let ended = 0
  const items = function* () {
    yield 1
    throw new Error('no more')
  }
  await assert.rejects(
    forEachAtOnce(2, items(), async () => {
      await turn()
      ended++
    }),
    /no more/,
  )
  assert.equal(ended, 1)
})
