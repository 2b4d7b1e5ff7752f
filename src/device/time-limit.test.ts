import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER, orAbort } from '../base/abort.ts'
import { manualClock } from './testing/manual-clock.ts'
import { withinTime } from './time-limit.ts'

const never = new Promise<never>(() => undefined)
const late = () => new Error('too late')

test('work that is done in time gives its result, and the wait for the limit is over', async () => {
  const clock = manualClock()
  assert.equal(await withinTime({ ms: 10, clock, late, signal: NEVER }, async () => 'done'), 'done')
  assert.equal(clock.sleepers, 0)
})

test('work that takes longer is aborted with the error of the limit', async () => {
  const clock = manualClock()
  const working = withinTime({ ms: 10, clock, late, signal: NEVER }, (signal) => orAbort(never, signal))
  clock.pass(9)
  assert.equal(clock.sleepers, 1)
  clock.pass(1)
  await assert.rejects(working, /too late/)
})

test('work ends with the reason of the outer abort', async () => {
  const clock = manualClock()
  const abort = new AbortController()
  const working = withinTime({ ms: 10, clock, late, signal: abort.signal }, (signal) => orAbort(never, signal))
  abort.abort(new Error('enough'))
  await assert.rejects(working, /enough/)
  assert.equal(clock.sleepers, 0)
})
