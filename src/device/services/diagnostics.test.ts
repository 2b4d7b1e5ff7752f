import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { PlistReal } from '../../plist/index.ts'
import { answering, wire } from '../testing/wire.ts'
import { batteryOf, readBattery } from './battery.ts'
import { readDiagnostics, readGestalt, readRegistry, requestPower, sayGoodbye } from './diagnostics.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)
const NO_ENTRY = { Status: 'Success', Diagnostics: { IORegistry: {} } }

function relayThat(...answers: readonly Plist[]) {
  const { near, far } = wire()
  return { near, requests: answering(far, ...answers.map((answer) => [answer])) }
}

test('a battery is read from what its driver gives; 2^64 less is a discharge', async () => {
  const IORegistry = {
    CurrentCapacity: 81,
    IsCharging: false,
    ExternalConnected: false,
    InstantAmperage: 2n ** 64n - 450n,
    DesignCapacity: 3000,
    AppleRawMaxCapacity: 2700,
    Temperature: 3050,
  }
  const { near, requests } = relayThat({ Status: 'Success', Diagnostics: { IORegistry } })
  assert.deepEqual(await readBattery(near, { signal }), {
    percent: 81,
    isCharging: false,
    isOnPower: false,
    health: 0.9,
    designMilliampereHours: 3000,
    fullMilliampereHours: 2700,
    celsius: 30.5,
    milliamperes: -450,
  })
  assert.equal((await requests)[0]?.EntryClass, 'IOPMPowerSource')
})

/** An iPhone on a computer's port, as docs/protocol/small-services.md#diagnostics-relay has it. */
test('what the phone is plugged into is told with its watts', () => {
  const AdapterDetails = {
    Description: 'usb host',
    Watts: new PlistReal(2.5),
    Current: 500,
    AdapterVoltage: 5000,
    FamilyCode: 2n ** 64n - 536_854_528n,
    IsWireless: false,
  }
  const { adapter, millivolts } = batteryOf({ Voltage: 4105, AdapterDetails })
  assert.equal(millivolts, 4105)
  assert.deepEqual(adapter, {
    description: 'usb host',
    watts: 2.5,
    millivolts: 5000,
    milliamperes: 500,
    isWireless: false,
    familyCode: -536_854_528,
  })
})

/** From a capture of an iPhone with iOS 27; the same source. */
test('capacities that moved into a dictionary of their own are found', () => {
  const BatteryData = { DesignCapacity: 3544, FullChargeCapacity: 3233, NominalChargeCapacity: 3103 }
  const battery = batteryOf({ Amperage: 2656, Voltage: 3998, CycleCount: 856, IsCharging: true, BatteryData })
  assert.equal(Math.round(battery.health! * 100), 88)
  assert.deepEqual([battery.cycles, battery.milliamperes, battery.designMilliampereHours], [856, 2656, 3544])
})

test('a battery of nonsense is an empty one', () => {
  const nonsense = {
    CurrentCapacity: 'full',
    IsCharging: 1,
    Temperature: [],
    AdapterDetails: 'none',
    BatteryData: true,
  }
  assert.deepEqual(batteryOf({ ...nonsense, DesignCapacity: 0, NominalChargeCapacity: 'x' }), {
    designMilliampereHours: 0,
  })
})

test('a battery that is not found by its class is looked for by its names', async () => {
  const { near, requests } = relayThat(
    NO_ENTRY,
    { Status: 'Success' },
    {
      Status: 'Success',
      Diagnostics: { IORegistry: { CurrentCapacity: 5 } },
    },
  )
  assert.deepEqual(await readBattery(near, { signal }), { percent: 5 })
  assert.deepEqual(
    (await requests).map(({ EntryName }) => EntryName),
    [undefined, 'AppleSmartBattery', 'AppleARMPMUCharger'],
  )
})

test('no entry in the registry is an empty one, in the old and the new form', async () => {
  const { near, requests } = relayThat(NO_ENTRY, { Status: 'Success' })
  const query = { EntryName: 'x', EntryClass: 'y', CurrentPlane: 'IOPower' }
  assert.deepEqual({ ...(await readRegistry(near, query, { signal })) }, {})
  assert.deepEqual({ ...(await readRegistry(near, { EntryName: 'x' }, { signal })) }, {})
  assert.deepEqual({ ...(await requests)[0] }, { Request: 'IORegistry', ...query })
})

test('diagnostics are asked for by part', async () => {
  const WiFi = { Active: 'NO', Status: 'Success' }
  const { near, requests } = relayThat({ Status: 'Success', Diagnostics: { WiFi } }, { Status: 'Success' })
  assert.deepEqual({ ...(await readDiagnostics(near, 'WiFi', { signal })) }, { WiFi: { __proto__: null, ...WiFi } })
  assert.deepEqual({ ...(await readDiagnostics(near, 'All', { signal })) }, {})
  assert.deepEqual(
    (await requests).map(({ Request }) => Request),
    ['WiFi', 'All'],
  )
})

/** Source: docs/protocol/small-services.md#diagnostics-relay */
test('a phone without MobileGestalt says so inside of a success', async () => {
  const inside = (MobileGestalt: Plist) => ({ Status: 'Success', Diagnostics: { MobileGestalt } })
  const { near, requests } = relayThat(
    inside({ Status: 'MobileGestaltDeprecated' }),
    inside({ Status: 'Success', UniqueDeviceID: 'u' }),
    inside({ Status: 'Odd' }),
  )
  const ask = () => readGestalt(near, ['UniqueDeviceID', 'NoSuchKey'], { signal })
  assert.equal(await ask(), undefined)
  assert.deepEqual(await ask(), { UniqueDeviceID: 'u' })
  await assert.rejects(ask(), code('device.diagnostics-refused'))
  assert.deepEqual((await requests)[0]?.MobileGestaltKeys, ['UniqueDeviceID', 'NoSuchKey'])
})

test('a restart is asked for with its flags, and a goodbye follows', async () => {
  const { near, requests } = relayThat({ Status: 'Success' }, { Status: 'Success' }, { Status: 'Success' })
  await requestPower(near, 'Restart', { WaitForDisconnect: true, DisplayPass: false, signal })
  await requestPower(near, 'Sleep', { signal })
  await sayGoodbye(near, { signal })
  assert.deepEqual(
    (await requests).map((request) => ({ ...request })),
    [{ Request: 'Restart', WaitForDisconnect: true, DisplayPass: false }, { Request: 'Sleep' }, { Request: 'Goodbye' }],
  )
})

test('refused diagnostics say so', async () => {
  const { near } = relayThat({ Status: 'UnknownRequest' }, { Status: 'Failure' }, {})
  await assert.rejects(readBattery(near, { signal }), code('device.diagnostics-refused'))
  await assert.rejects(requestPower(near, 'Restart', { signal }), code('device.diagnostics-refused'))
  await assert.rejects(readDiagnostics(near, 'NAND', { signal }), code('device.diagnostics-refused'))
})
