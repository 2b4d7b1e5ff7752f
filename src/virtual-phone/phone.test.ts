import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { numberOf } from '../plist/index.ts'
import { ask, connectTo, pairWith, startSession } from './testing/host.ts'
import { openTestPhone, openTestWorld } from './testing/world.ts'

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

test('what lockdownd tells follows the condition, and hosts are notified that something changed', async () => {
  const { phone } = await openTestPhone()
  await using closing = phone
  const posted: string[] = []
  closing.events.add((event) => event.kind === 'notification' && posted.push(event.name))
  closing.condition.set({ passcode: '1234', isLocked: true, power: 'dead-cable', batteryPercent: 7, freeBytes: 1e9 })
  assert.equal(closing.values.get('', 'PasswordProtected'), true)
  assert.deepEqual(closing.values.all('com.apple.mobile.battery'), {
    BatteryCurrentCapacity: 7,
    BatteryIsCharging: false,
    ExternalChargeCapable: false,
    ExternalConnected: true,
    FullyCharged: false,
    GasGaugeCapability: true,
    HasBattery: true,
  })
  const { TotalDataAvailable, AmountRestoreAvailable } = closing.values.all('com.apple.disk_usage')
  assert.deepEqual([TotalDataAvailable, AmountRestoreAvailable], [1e9, 1e9])
  assert.deepEqual(posted, [
    'com.apple.springboard.lockstate',
    'com.apple.mobile.keybagd.lock_status',
    'com.apple.springboard.pluggedin',
    'com.apple.system.powersources.source',
    'com.apple.system.powersources.percent',
    'com.apple.mobile.lockdown.disk_usage_changed',
  ])
})

test('a restart ends every connection, closes the ports, and changes the boot session', async () => {
  await using world = await openTestWorld({ condition: { passcode: '1234' } })
  const { phone, mux } = world
  await using lockdown = await connectTo(mux.address, { deviceId: 1, port: 62078 })
  const host = await pairWith(lockdown)
  await using session = await startSession(lockdown, host)
  const { Port } = await ask(session, { Request: 'StartService', Service: 'com.apple.afc' })
  const before = phone.values.get('', 'BootSessionID')
  const power: string[] = []
  phone.events.add((event) => event.kind === 'power' && power.push(event.what))
  phone.restart()
  assert.equal(await session.readSome(1, { signal: NEVER }).catch(() => undefined), undefined)
  await assert.rejects(connectTo(mux.address, { deviceId: 1, port: Number(Port) }))
  assert.notEqual(phone.values.get('', 'BootSessionID'), before)
  assert.deepEqual(power, ['restart'])
  await using again = await connectTo(mux.address, { deviceId: 1, port: 62078 })
  const { HostID = '' } = host.keys.record
  assert.equal((await ask(again, { Request: 'StartSession', HostID })).Error, 'PasswordProtected')
  phone.condition.unlock()
  assert.equal((await ask(again, { Request: 'StartSession', HostID })).Error, undefined)
})

test('while another program syncs, nobody else gets the sync lock', async () => {
  const { phone } = await openTestPhone({ condition: { isSyncing: true } })
  await using closing = phone
  const { lock } = closing.media.makeFile('com.apple.itunes.lock_sync')
  assert.equal(lock.take({}, { exclusive: true }), false)
  closing.condition.set({ isSyncing: false })
  assert.equal(lock.take({}, { exclusive: true }), true)
})

test('a personality gives model, iOS and what it does not tell; other options win over it', async () => {
  const { phone } = await openTestPhone({ personality: 'iphone-16-pro-max-ios27', ios: '26.2' })
  await using closing = phone
  const { identity, traits, values } = closing
  assert.deepEqual([identity.model.productType, identity.productVersion], ['iPhone17,2', '26.2'])
  assert.equal(traits.has('nested-battery'), false)
  assert.equal(values.has('com.apple.mobile.backup', 'Version'), false)
})
