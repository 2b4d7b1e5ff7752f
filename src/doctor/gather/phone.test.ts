import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import type { FactName, FactValues, Reading, Readings } from '../engine.ts'
import { openPhoneUnderLook } from '../testing/phone-under-look.ts'
import type { LookEvent } from './look.ts'
import { gatherPhone } from './phone.ts'

const signal = NEVER
const clock = systemClock
const world = await openPhoneUnderLook({ condition: { passcode: '1234' } })
after(() => world[Symbol.asyncDispose]())
const { virtual } = world
const BACKUP = 'com.apple.mobile.backup'

async function gather(): Promise<Readings> {
  return (await gatherPhone(await world.phone(), { clock, signal })).readings
}

async function valueOfFact<Name extends FactName>(name: Name): Promise<FactValues[Name] | undefined> {
  const reading = (await gather())[name] as Reading<FactValues[Name]> | undefined
  return reading?.kind === 'known' ? reading.value : undefined
}

test('a phone in everyday use tells all that there is to tell', async () => {
  const events: LookEvent[] = []
  const { readings, bootSession } = await gatherPhone(await world.phone(), {
    clock,
    signal,
    onLook: (event) => events.push(event),
  })
  const known = Object.entries(readings).filter(([, reading]) => reading.kind === 'known')
  const values = Object.fromEntries(known.map(([name, reading]) => [name, reading.kind === 'known' && reading.value]))
  const { clockAheadMs, cloudLastMs, phoneRoom, apps, ...plain } = values
  assert.deepEqual(plain, {
    deviceClass: 'iPhone',
    model: 'iPhone15,4',
    ios: '18.7',
    build: virtual.identity.buildVersion,
    language: 'en',
    timeZone: 'UTC',
    reach: 'usb',
    isLocked: false,
    isOnWifi: true,
    isSignedIn: true,
    setup: 'done',
    wifiConnections: true,
    cloudSwitch: true,
    isEncrypted: false,
    requiresEncryption: false,
    management: { isSupervised: false, profiles: 0 },
    power: {
      isConnected: true,
      percent: 80,
      isCharging: true,
      canCharge: true,
      isFull: false,
      adapter: { isUnrecognized: false, description: 'pd charger', watts: 20 },
    },
  })
  assert.ok(Math.abs(Number(clockAheadMs)) < 60_000)
  assert.ok(Math.abs(clock.nowMs() - 20 * 3600_000 - Number(cloudLastMs)) < 60_000)
  assert.ok(phoneRoom && apps)
  assert.equal(bootSession.kind, 'known')
  assert.equal(readings.anyComputerLastMs?.kind, 'absent')
  assert.equal(readings.obstacle?.kind, 'absent')
  assert.equal(readings.link?.kind, 'unread')
  const places = events.filter(({ state }) => state === 'read').map(({ place }) => place)
  assert.deepEqual(places.toSorted(), ['apps', 'battery', 'management', 'values'])
})

test('a locked phone tells the same, and that it has a passcode', async () => {
  virtual.condition.lock()
  const readings = await gather()
  virtual.condition.unlock()
  assert.deepEqual(
    [readings.isLocked, readings.hasPasscode].map((reading) => reading?.kind === 'known' && reading.value),
    [true, true],
  )
  assert.equal(readings.cloudSwitch?.kind, 'known')
})

for (const [what, seconds, expected] of [
  ['counted from 2001', 817_002_600, Date.UTC(2026, 10, 22, 1, 10)],
  ['counted from 1970', 1_795_309_800, Date.UTC(2026, 10, 22, 1, 10)],
] as const) {
  test(`the last backup is read, ${what}`, async () => {
    virtual.values.set(BACKUP, 'LastCloudBackupDate', seconds)
    assert.equal(await valueOfFact('cloudLastMs'), expected)
  })
}

test('what the phone leaves out is absent', async () => {
  for (const key of ['CloudBackupEnabled', 'LastCloudBackupDate']) virtual.values.remove(BACKUP, key)
  const { cloudSwitch, cloudLastMs, isEncrypted } = await gather()
  virtual.values.set(BACKUP, 'CloudBackupEnabled', true)
  assert.deepEqual([cloudSwitch?.kind, cloudLastMs?.kind, isEncrypted?.kind], ['absent', 'absent', 'known'])
})

test('a dead cable is connected, gives nothing, and is not recognised', async () => {
  virtual.condition.set({ power: 'dead-cable', batteryPercent: 41 })
  const power = await valueOfFact('power')
  virtual.condition.set({ power: 'charging', adapter: 'usb host' })
  assert.deepEqual([power?.isConnected, power?.canCharge, power?.adapter], [true, false, { isUnrecognized: true }])
  assert.deepEqual((await valueOfFact('power'))?.adapter, {
    isUnrecognized: false,
    description: 'usb host',
    watts: 2.5,
  })
})

test('a clock that is wrong, a manager, a Wi-Fi that is gone: each is seen', async () => {
  virtual.condition.set({ clockAheadMs: -3_600_000, isSupervised: true, organization: 'ACME', profiles: 2 })
  virtual.condition.set({ isOnWifi: false, hasCloudAccount: false })
  const readings = await gather()
  virtual.condition.set({ clockAheadMs: 0, isSupervised: false, organization: undefined, profiles: 0 })
  virtual.condition.set({ isOnWifi: true, hasCloudAccount: true })
  const { clockAheadMs, management, isOnWifi, isSignedIn } = readings
  assert.ok(clockAheadMs?.kind === 'known' && Math.abs(clockAheadMs.value + 3_600_000) < 60_000)
  assert.deepEqual(management?.kind === 'known' && management.value, {
    isSupervised: true,
    profiles: 2,
    organization: 'ACME',
  })
  assert.equal(isOnWifi?.kind === 'known' && isOnWifi.value, false)
  assert.deepEqual(isSignedIn, { kind: 'unread', why: 'not-asked' })
})

test('an account is proved by what it syncs where Find My is off', async () => {
  virtual.condition.set({ isFindMyOn: false })
  assert.equal(await valueOfFact('isSignedIn'), true)
  virtual.condition.set({ isFindMyOn: true })
})

test('a connection that breaks in the middle is a broken connection, not a missing value', async () => {
  virtual.faults.add({ do: 'cut', service: 'com.apple.mobile.lockdown', from: 'phone', atMessage: 5 })
  const { cloudSwitch, wifiConnections, setup, isSignedIn, language } = await gather()
  assert.equal(virtual.faults.fired.length, 1)
  assert.equal(cloudSwitch?.kind, 'known')
  for (const reading of [wifiConnections, setup, isSignedIn, language]) {
    assert.deepEqual(reading, { kind: 'unread', why: 'link', note: 'wire.closed' })
  }
})

test('what lockdownd tells oddly of the battery, the registry tells', async () => {
  virtual.values.set('com.apple.mobile.battery', 'ExternalConnected', 'perhaps')
  const { power } = await gather()
  assert.ok(power?.kind === 'known' && power.source === 'registry')
})

for (const [what, domain, key, wrong, fact] of [
  ['a date that is a text', BACKUP, 'LastCloudBackupDate', 'yesterday', 'cloudLastMs'],
  ['a date below nothing', BACKUP, 'LastCloudBackupDate', -5, 'cloudLastMs'],
  ['a switch that is a text', BACKUP, 'CloudBackupEnabled', 'yes', 'cloudSwitch'],
  ['a clock that is a list', '', 'TimeIntervalSince1970', [1], 'clockAheadMs'],
  ['a room that is data', 'com.apple.disk_usage', 'AmountDataAvailable', new Uint8Array(8), 'phoneRoom'],
  ['a name that steers a terminal', '', 'ProductVersion', '18\u001b[2J', 'ios'],
] as const) {
  test(`${what} is odd, with a note, and never absent`, async () => {
    virtual.values.set(domain, key, wrong)
    const reading = (await gather())[fact]
    assert.equal(reading?.kind, 'unread')
    assert.equal(reading.kind === 'unread' && reading.why, 'odd')
    assert.match((reading.kind === 'unread' && reading.note) || '', new RegExp(`^${key} is `))
  })
}
