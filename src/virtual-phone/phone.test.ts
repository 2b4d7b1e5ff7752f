import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numberOf } from '../plist/index.ts'
import { openTestPhone } from './testing/world.ts'

for (const [domain, key, notification] of [
  ['', 'DeviceName', 'com.apple.mobile.lockdown.device_name_changed'],
  ['com.apple.mobile.backup', 'WillEncrypt', 'com.apple.mobile.backup.domain_changed'],
  ['com.apple.disk_usage', 'TotalDataAvailable', 'com.apple.mobile.lockdown.disk_usage_changed'],
] as const) {
  test(`a change of ${domain}:${key} is posted`, async () => {
    const { phone } = await openTestPhone()
    await using closing = phone
    const posted: string[] = []
    closing.events.add((event) => event.kind === 'notification' && posted.push(event.name))
    closing.values.set(domain, key, 1)
    closing.values.remove(domain, key)
    closing.values.remove(domain, key)
    assert.deepEqual(posted, [notification, notification])
  })
}

test('the time that lockdownd tells goes on', async () => {
  const { phone, clock } = await openTestPhone()
  await using closing = phone
  const timeS = () => numberOf(closing.values.get('', 'TimeIntervalSince1970'))
  assert.equal(timeS(), 1793588645)
  clock.pass(1500)
  assert.equal(timeS(), 1793588646.5)
})

test('the disk is large enough for the contents, and what is free is less than the disk', async () => {
  const { phone } = await openTestPhone()
  await using closing = phone
  const disk = closing.values.all('com.apple.disk_usage')
  assert.equal(Number(disk.TotalDataCapacity) - Number(disk.TotalDataAvailable), closing.contents.totals.bytes)
  assert.ok(Number(disk.TotalDataAvailable) > closing.contents.totals.bytes)
})
