import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from './abort.ts'
import { Bell } from './bell.ts'
import { type Clock, systemClock } from './clock.ts'

const signal = NEVER
const HOUR_MS = 3_600_000

test('a ring wakes who waits, and one that came before is kept once', async () => {
  const sleeps: number[] = []
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, options) => {
      sleeps.push(ms)
      return systemClock.sleep(ms === HOUR_MS ? ms : 0, options)
    },
  }
  const bell = new Bell(clock)
  const waiting = bell.wait(HOUR_MS, { signal })
  bell.ring()
  await waiting
  bell.ring()
  bell.ring()
  await bell.wait(HOUR_MS, { signal })
  await bell.wait(5, { signal })
  assert.deepEqual(sleeps, [HOUR_MS, HOUR_MS, 5])
})

test('abort ends the wait', async () => {
  const stop = new AbortController()
  const waiting = new Bell(systemClock).wait(HOUR_MS, { signal: stop.signal })
  stop.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
})
