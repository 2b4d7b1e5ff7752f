import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signal } from '../../testing/restic.ts'
import { createSkippingClock } from '../../testing/skipping-clock.ts'
import { persist, TryAgain } from './persist.ts'
import { Turns } from './turns.ts'

function failing(times: number, error: () => Error = () => new TryAgain('not now')) {
  let attempts = 0
  const attempt = async () => {
    if (++attempts <= times) throw error()
    return attempts
  }
  return attempt
}

const onTrouble = () => {}

test('pauses double from a second to a minute, each from half of that to all of it', async () => {
  const clock = createSkippingClock()
  assert.equal(await persist(failing(12), { clock, onTrouble, signal }), 13)
  const full = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60].map((seconds) => seconds * 1000)
  assert.equal(clock.pausesMs.length, full.length)
  for (const [index, ms] of clock.pausesMs.entries()) assert.ok(ms >= full[index]! / 2 && ms <= full[index]!, `${ms}`)
  assert.ok(new Set(clock.pausesMs.map((ms, index) => ms / full[index]!)).size > 1, 'they are random')
})

test('after a quarter of an hour the last failure is thrown', async () => {
  const clock = createSkippingClock()
  await assert.rejects(persist(failing(1000), { clock, onTrouble, signal }), TryAgain)
  assert.ok(clock.elapsedMs() <= 15 * 60_000 && clock.elapsedMs() > 13 * 60_000)
})

test('a server that wants more patience than there is gets none', async () => {
  const clock = createSkippingClock()
  const busy = () => new TryAgain('busy', { waitMs: 16 * 60_000 })
  await assert.rejects(persist(failing(1, busy), { clock, onTrouble, signal }), TryAgain)
  assert.deepEqual(clock.pausesMs, [])
  assert.equal(
    await persist(
      failing(1, () => new TryAgain('busy', { waitMs: 7000 })),
      { clock, onTrouble, signal },
    ),
    2,
  )
  assert.deepEqual(clock.pausesMs, [7000])
})

test('what will not pass is thrown at once', async () => {
  const clock = createSkippingClock()
  await assert.rejects(
    persist(
      failing(9, () => new Error('no')),
      { clock, onTrouble, signal },
    ),
    /^Error: no$/,
  )
  assert.deepEqual(clock.pausesMs, [])
})

test('lasting trouble is told once, a short one never', async () => {
  const clock = createSkippingClock()
  const told: string[] = []
  const options = { clock, onTrouble: ({ message }: TryAgain) => void told.push(message), signal }
  await persist(failing(3), options)
  assert.deepEqual(told, [])
  await persist(failing(9), options)
  assert.deepEqual(told, ['not now'])
})

test('an abort ends the waiting with its reason', async () => {
  const aborting = new AbortController()
  const attempt = async () => {
    aborting.abort(new Error('enough'))
    throw new TryAgain('not now')
  }
  const persisting = persist(attempt, { clock: createSkippingClock(), onTrouble, signal: aborting.signal })
  await assert.rejects(persisting, /enough/)
})

test('turns are given in order, and a place in the queue can be given up', async () => {
  const turns = new Turns(2)
  const first = await turns.take({ signal })
  await turns.take({ signal })
  const aborting = new AbortController()
  const order: string[] = []
  const impatient = turns.take({ signal: aborting.signal })
  const third = turns.take({ signal }).then((turn) => {
    order.push('third')
    return turn
  })
  const fourth = turns.take({ signal }).then(() => order.push('fourth'))
  aborting.abort(new Error('enough'))
  await assert.rejects(impatient, /enough/)
  first[Symbol.dispose]()
  ;(await third)[Symbol.dispose]()
  await fourth
  assert.deepEqual(order, ['third', 'fourth'])
  await assert.rejects(turns.take({ signal: AbortSignal.abort(new Error('before')) }), /before/)
})
