import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import { gatherPhone } from './phone.ts'

const signal = NEVER
const clock = systemClock

test('a phone that does not trust this computer still tells who it is, and nothing follows from the rest', async () => {
  await using world = await openPhoneUnderLook({ isPaired: false })
  const { readings } = await gatherPhone(await world.phone(), { clock, signal })
  assert.equal(readings.model?.kind === 'known' && readings.model.value, 'iPhone15,4')
  assert.equal(readings.obstacle?.kind === 'known' && readings.obstacle.value, 'device.not-paired')
  for (const name of ['cloudSwitch', 'cloudLastMs', 'power', 'apps', 'management', 'isLocked', 'phoneRoom'] as const) {
    assert.deepEqual(readings[name], { kind: 'unread', why: 'refused', note: 'device.not-paired' }, name)
  }
})

test('so does one that nobody has unlocked since its restart', async () => {
  await using world = await openPhoneUnderLook({ condition: { passcode: '1234' } })
  world.virtual.condition.boot()
  const { readings } = await gatherPhone(await world.phone(), { clock, signal })
  assert.equal(readings.obstacle?.kind === 'known' && readings.obstacle.value, 'device.not-unlocked')
  assert.equal(readings.cloudSwitch?.kind, 'unread')
})

test('a phone that is unplugged in the middle leaves nothing but broken connections', async () => {
  await using world = await openPhoneUnderLook()
  const phone = await world.phone()
  const { readings } = await gatherPhone(phone, {
    clock,
    signal,
    onLook: ({ place, state }) => {
      if (place === 'apps' && state === 'begun') world.server.detach(world.virtual)
    },
  })
  for (const name of ['cloudSwitch', 'power', 'apps', 'management'] as const) {
    const reading = readings[name]
    assert.ok(reading?.kind === 'unread' && reading.why === 'link', `${name}: ${JSON.stringify(reading)}`)
  }
})

test('abort ends the look at once, with its reason', async () => {
  await using world = await openPhoneUnderLook()
  const abort = new AbortController()
  const phone = await world.phone()
  const reason = new Error('enough')
  const looking = gatherPhone(phone, { clock, signal: abort.signal, onLook: () => abort.abort(reason) })
  await assert.rejects(looking, (error) => error === reason)
})
