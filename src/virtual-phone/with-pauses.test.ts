import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withPauses } from './with-pauses.ts'

test('a long loop lets others have their turn, and is ended from the outside', async () => {
  const abort = new AbortController()
  setImmediate(() => abort.abort(new Error('enough')))
  let count = 0
  const loop = async () => {
    for await (const _ of withPauses(Array.from({ length: 100_000 }))) {
      abort.signal.throwIfAborted()
      count++
    }
  }
  await assert.rejects(loop(), /enough/)
  assert.ok(count <= 2_000, `${count} items before the abort was seen`)
})

test('every item comes, once and in order', async () => {
  const items = Array.from({ length: 2_500 }, (_, index) => index)
  assert.deepEqual(await Array.fromAsync(withPauses(items)), items)
})
