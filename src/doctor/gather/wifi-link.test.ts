import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { openWifi } from '../../virtual-phone/index.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import { gatherPhone } from './phone.ts'
import { measureLink, qualityOf } from './wifi-link.ts'

const signal = NEVER

test('a phone on Wi-Fi tells how well the Wi-Fi carries, and that it is there', async () => {
  await using world = await openPhoneUnderLook()
  await using wifi = await openWifi(world.virtual, { signal })
  world.server.detach(world.virtual)
  world.server.attach(wifi)
  const { readings } = await gatherPhone(await world.phone(), { clock: systemClock, signal })
  const { reach, link, isOnWifi, power } = readings
  assert.deepEqual(
    [reach, isOnWifi].map((reading) => reading?.kind === 'known' && reading.value),
    ['wifi', true],
  )
  assert.ok(link?.kind === 'known' && link.value.lostShare === 0 && link.value.medianMs <= link.value.slowMs)
  assert.equal(power?.kind, 'known')
})

test('answers that are lost are counted, and the connection is begun anew', async () => {
  await using world = await openPhoneUnderLook()
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobile.lockdown', from: 'phone', atMessage: 6 })
  const { lostShare } = await measureLink(await world.phone(), { signal })
  assert.equal(lostShare, 1 / 20)
})

test('a phone that has gone has no link, however bad', async () => {
  await using world = await openPhoneUnderLook()
  const phone = await world.phone()
  world.server.detach(world.virtual)
  await assert.rejects(measureLink(phone, { signal }))
})

test('the median is the middle, and one of twenty is slower than the slow one', () => {
  const times = [...Array.from({ length: 18 }, () => 10), 300, 900]
  assert.deepEqual(qualityOf(times, 20), { medianMs: 10, slowMs: 900, lostShare: 0 })
  assert.deepEqual(qualityOf([7], 4), { medianMs: 7, slowMs: 7, lostShare: 0.75 })
})
