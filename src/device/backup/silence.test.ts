import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { manualClock } from '../testing/manual-clock.ts'
import type { BackupEvent } from './backup-events.ts'
import { tellingSilence } from './silence.ts'

function setUp(mayAskPasscode: boolean) {
  const clock = manualClock()
  const events: BackupEvent[] = []
  const word = Promise.withResolvers<string>()
  const onEvent = (event: BackupEvent) => events.push(event)
  const heard = tellingSilence({ clock, onEvent, mayAskPasscode }, () => word.promise)
  const pass = async (ms: number) => {
    clock.pass(ms)
    await setImmediate()
  }
  return { clock, events, heard, pass, speak: () => word.resolve('here') }
}

test('a phone that may ask for its passcode is said to, after two seconds', async () => {
  const { events, heard, pass, speak } = setUp(true)
  await pass(1999)
  assert.deepEqual(events, [])
  await pass(1)
  assert.deepEqual(events, [{ kind: 'passcode-likely' }])
  speak()
  assert.equal(await heard, 'here')
})

test('silence is told after ten seconds, a minute, and every minute', async () => {
  const { events, heard, pass, speak } = setUp(false)
  for (const ms of [10_000, 50_000, 60_000, 60_000]) await pass(ms)
  assert.deepEqual(
    events.map((event) => event.kind === 'quiet' && event.ms),
    [10_000, 60_000, 120_000, 180_000],
  )
  speak()
  await heard
})

test('nothing is told of a phone that speaks at once, and nothing goes on behind it', async () => {
  const { clock, events, heard, speak } = setUp(true)
  speak()
  await heard
  assert.equal(clock.sleepers, 0)
  assert.deepEqual(events, [])
})
