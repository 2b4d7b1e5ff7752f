import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import type { LogEvent } from '../engine.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import { watchPhone } from './watch.ts'

const signal = NEVER
const world = await openPhoneUnderLook({ condition: { passcode: '1234' } })
after(() => world[Symbol.asyncDispose]())
const { virtual } = world

/** Watches while somebody does something to the phone, until the phone has told so many things. */
async function watch(events: number, act: () => void): Promise<readonly LogEvent[]> {
  const enough = new AbortController()
  const seen: LogEvent[] = []
  const watching = watchPhone(await world.phone(), {
    ms: 60_000,
    signal: enough.signal,
    onListening: act,
    onEvent: (event) => {
      seen.push(event)
      if (seen.length === events) enough.abort(new Error('enough'))
    },
  })
  await assert.rejects(watching, /enough/)
  return seen
}

test('locking the phone on its charger makes it tell what must hold for a backup', async () => {
  const [event] = await watch(1, () => virtual.condition.lock())
  const condition = { holds: true, enabled: true, locked: true, onPower: true, onWifi: true, onCellular: false }
  assert.deepEqual(event, { kind: 'condition', condition, heldS: undefined, isRestoring: false })
})

test('so does losing power or Wi-Fi, and a cable that gives nothing is no power', async () => {
  const events = await watch(2, () => {
    virtual.condition.set({ power: 'dead-cable' })
    virtual.condition.set({ isOnWifi: false })
  })
  const conditions = events.map((event) => event.kind === 'condition' && event.condition)
  assert.deepEqual(
    conditions.map((condition) => condition && [condition.holds, condition.onPower, condition.onWifi]),
    [
      [false, false, true],
      [false, false, false],
    ],
  )
  virtual.condition.set({ power: 'charging', isOnWifi: true })
})

test('what other programs say is nothing, and a failure brings its code', async () => {
  const events = await watch(2, () => {
    virtual.log({ process: 'wifid', text: '=scheduler= [On condition] state changed' })
    virtual.log({ process: 'backupd', text: 'nothing in particular' })
    virtual.endCloudBackup({ code: 303 })
    virtual.endCloudBackup()
  })
  assert.deepEqual(events, [{ kind: 'failed', error: { domain: 'MBErrorDomain', code: 303 } }, { kind: 'completed' }])
})

test('the time ends it well, and so does a phone that leaves', async () => {
  const phone = await world.phone()
  const options = { signal, onEvent: () => undefined }
  assert.deepEqual(await watchPhone(phone, { ...options, ms: 300, onListening: () => undefined }), [])
  const onListening = () => void world.server.detach(virtual)
  assert.deepEqual(await watchPhone(phone, { ...options, ms: 60_000, onListening }), [])
})
