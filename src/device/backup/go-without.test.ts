import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER, orAbort } from '../../base/abort.ts'
import { AppError } from '../../base/errors.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { BackupEvent } from './backup-events.ts'
import { goWithoutTelling } from './go-without.ts'

function setUp() {
  const clock = manualClock()
  const events: BackupEvent[] = []
  return { clock, events, goWithout: goWithoutTelling(clock, (event) => events.push(event)) }
}

const fails = (code: string) => async () => {
  throw new AppError(code, 'The phone said no', { remedy: 'none' })
}
const options = { signal: NEVER }

test('what works is given, and nothing is told', async () => {
  const { goWithout, events } = setUp()
  assert.equal(await goWithout('icons', async () => 'yes', options), 'yes')
  assert.deepEqual(events, [])
})

test('what the phone refuses is told and gone without', async () => {
  const { goWithout, events } = setUp()
  assert.equal(await goWithout('icons', fails('device.service-refused'), options), undefined)
  assert.deepEqual(events, [{ kind: 'went-without', what: 'icons', because: 'The phone said no' }])
})

test('a phone that never answers is gone without after two minutes', async () => {
  const { goWithout, events, clock } = setUp()
  const never = new Promise<never>(() => undefined)
  const helped = goWithout('icons', (signal) => orAbort(never, signal), options)
  clock.pass(120_000)
  assert.equal(await helped, undefined)
  assert.equal(events.length, 1)
})

test('what stands in the way of the backup itself is not gone without', async () => {
  const { goWithout, events } = setUp()
  for (const code of ['device.busy', 'device.not-paired', 'device.wrong-certificate']) {
    await assert.rejects(goWithout('icons', fails(code), options), { code })
  }
  const mistake = async () => Promise.reject(new TypeError('a mistake of ours'))
  await assert.rejects(goWithout('icons', mistake, options), /mistake of ours/)
  assert.deepEqual(events, [])
})

test('an abort is not gone without', async () => {
  const { goWithout, events } = setUp()
  const abort = new AbortController()
  abort.abort(new Error('enough'))
  await assert.rejects(goWithout('icons', fails('wire.closed'), { signal: abort.signal }))
  assert.deepEqual(events, [])
})
