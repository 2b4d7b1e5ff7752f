import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { randomBytes } from '../../base/random.ts'
import type { AddressLayout } from '../mux/network-address.ts'
import { openMuxServer } from '../mux/server.ts'
import { runTool } from '../testing/debian-tools.ts'
import { openTestPhone } from '../testing/world.ts'
import { openWifi } from './wifi.ts'

// Source of every expectation: what libimobiledevice's own tools print, version 1.3.0.

/** libimobiledevice always goes to port 62078: each phone needs an address of its own. */
function loopbackAddress(): string {
  return ['127', ...randomBytes(3).map((byte) => 1 + (byte % 250))].join('.')
}

/** A phone that pairs on the cable and is on the network; the mux server refuses to connect to it there. */
async function openWorld({ networkAddressLayout }: { networkAddressLayout?: AddressLayout } = {}) {
  await using opened = new AsyncDisposableStack()
  const { phone } = await openTestPhone()
  opened.use(phone)
  const wifi = opened.use(await openWifi(phone, { address: loopbackAddress(), port: 62078, signal: NEVER }))
  const mux = opened.use(
    await openMuxServer({
      phones: [phone, { ...wifi, connect: () => undefined }],
      listen: { host: '127.0.0.1', port: 0 },
      ...(networkAddressLayout && { networkAddressLayout }),
      signal: NEVER,
    }),
  )
  const rest = opened.move()
  return { phone, address: mux.address, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

test('idevice_id tells the two ways to a phone apart', async () => {
  await using world = await openWorld()
  const { udid } = world.phone
  assert.equal((await runTool(world.address, 'idevice_id')).output, `${udid} (USB)\n${udid} (Network)\n`)
  assert.equal((await runTool(world.address, 'idevice_id', '-n')).output, `${udid}\n`)
})

test('ideviceinfo -n dials the network address itself, in the BSD layout', async () => {
  await using world = await openWorld()
  const { udid, identity } = world.phone
  await runTool(world.address, 'idevicepair', 'pair')
  const { output } = await runTool(world.address, 'ideviceinfo', '-n', '-u', udid)
  assert.match(output, new RegExp(`^SerialNumber: ${identity.serialNumber}$`, 'm'))
  const battery = await runTool(
    world.address,
    'idevicediagnostics',
    '-n',
    '-u',
    udid,
    'ioregentry',
    'AppleSmartBattery',
  )
  assert.match(battery.output, /<key>CurrentCapacity<\/key>\s*<integer>80<\/integer>/)
})

test('ideviceinfo -n cannot use an address in the layout of Linux', async () => {
  await using world = await openWorld({ networkAddressLayout: 'native' })
  await runTool(world.address, 'idevicepair', 'pair')
  const { output, exitCode } = await runTool(world.address, 'ideviceinfo', '-n', '-u', world.phone.udid)
  assert.equal(exitCode, 255)
  assert.match(output, /Mux error \(-8\)/)
})

test('ideviceinfo -n of a computer that is not paired is refused the key it needs for pairing', async () => {
  await using world = await openWorld()
  const { output, exitCode } = await runTool(world.address, 'ideviceinfo', '-n', '-u', world.phone.udid)
  assert.equal(exitCode, 255)
  assert.match(output, /Get value prohibited \(-13\)/)
})

test('ideviceinfo -n gets nowhere while connections over Wi-Fi are switched off', async () => {
  await using world = await openWorld()
  await runTool(world.address, 'idevicepair', 'pair')
  world.phone.values.set('com.apple.mobile.wireless_lockdown', 'EnableWifiConnections', false)
  assert.equal((await runTool(world.address, 'ideviceinfo', '-n', '-u', world.phone.udid)).exitCode, 255)
  world.phone.values.set('com.apple.mobile.wireless_lockdown', 'EnableWifiConnections', true)
  assert.equal((await runTool(world.address, 'ideviceinfo', '-n', '-u', world.phone.udid)).exitCode, 0)
})
