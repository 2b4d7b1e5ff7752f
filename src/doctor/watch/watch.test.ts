import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import type { Logged } from '../engine.ts'
import { glanceAt } from '../gather/glance.ts'
import type { Sample } from '../notes/notes.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import { watchPhone } from './watch.ts'

const signal = NEVER
const world = await openPhoneUnderLook({ condition: { passcode: '1234' } })
after(() => world[Symbol.asyncDispose]())
const { virtual } = world
const BACKUP = 'com.apple.mobile.backup'
const samples: Sample[] = []

/** Watches while somebody does something to the phone, until the phone has told so many things. */
async function watch(events: number, act: () => void): Promise<readonly Logged['event'][]> {
  const enough = new AbortController()
  const seen: Logged['event'][] = []
  const phone = await world.phone()
  const watching = watchPhone(phone, {
    ms: 60_000,
    since: await glanceAt(phone, { signal }),
    onSample: async (sample) => void samples.push(sample),
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
    virtual.log({ process: 'backupd', text: '=scheduler= Starting automatic backup' })
  })
  assert.deepEqual(events, [{ kind: 'failed', error: { domain: 'MBErrorDomain', code: 303 } }, { kind: 'started' }])
})

test('a backup that has succeeded is seen at once, by the date that the phone writes, and noted', async () => {
  const events = await watch(2, () => virtual.endCloudBackup())
  assert.deepEqual(new Set(events.map(({ kind }) => kind)), new Set(['completed', 'backed-up']))
  const { cloudLastMs, reach, isOnPower } = samples.at(-1) ?? {}
  assert.ok(cloudLastMs !== undefined && Math.abs(cloudLastMs - systemClock.nowMs()) < 60_000)
  assert.deepEqual([reach, isOnPower], ['usb', true])
})

test('so is a switch that somebody moves', async () => {
  const off = await watch(2, () => virtual.values.set(BACKUP, 'CloudBackupEnabled', false))
  const on = await watch(2, () => virtual.values.set(BACKUP, 'CloudBackupEnabled', true))
  assert.deepEqual(
    [off, on].map((events) => events.map(({ kind }) => kind).toSorted()),
    [
      ['condition', 'switched-off'],
      ['condition', 'switched-on'],
    ],
  )
})

test('the time ends it well, and so does a phone that leaves', async () => {
  const phone = await world.phone()
  const options = { signal, since: {}, onSample: async () => undefined, onEvent: () => undefined }
  assert.deepEqual(await watchPhone(phone, { ...options, ms: 300, onListening: () => undefined }), [])
  const onListening = () => void world.server.detach(virtual)
  assert.deepEqual(await watchPhone(phone, { ...options, ms: 60_000, onListening }), [])
})
