import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import { dictOf, numberOf, type PlistDict } from '../../plist/index.ts'
import {
  ask,
  askMux,
  connectTo,
  dialMux,
  hear,
  type PairedHost,
  pairWith,
  secure,
  startSession,
  tell,
} from '../testing/host.ts'
import { settle } from '../testing/settle.ts'
import { dialTcp, hasEnded } from '../testing/wifi-host.ts'
import { openTestPhone, openTestWorld } from '../testing/world.ts'
import { openWifi, type WifiOptions, type WifiPhone } from './wifi.ts'

const WIRELESS = 'com.apple.mobile.wireless_lockdown'

/** A phone that a computer paired with over the cable, on the network as well. */
async function openPairedPhone(options: Partial<WifiOptions> = {}) {
  await using opened = new AsyncDisposableStack()
  const world = opened.use(await openTestWorld())
  await using cable = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  const host = await pairWith(cable)
  const wifi = opened.use(await openWifi(world.phone, { signal: NEVER, ...options }))
  const rest = opened.move()
  return { ...world, host, wifi, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

async function startServiceOverWifi(wifi: WifiPhone, host: PairedHost, service: string) {
  const session = await startSession(dialTcp(wifi), host)
  const answer = await ask(session, { Request: 'StartService', Service: service })
  const port = numberOf(answer.Port)
  assert.ok(port !== undefined && answer.EnableServiceSSL === true)
  return { session, port, channel: secure(dialTcp({ address: wifi.address, port }).detach(), host.keys) }
}

test('a session over the network is one as over the cable', async () => {
  await using world = await openPairedPhone()
  await using session = await startSession(dialTcp(world.wifi), world.host)
  const answer = await ask(session, { Request: 'GetValue', Key: 'SerialNumber' })
  assert.equal(answer.Value, world.phone.identity.serialNumber)
})

for (const [request, error] of [
  [{ Request: 'Pair', PairRecord: {}, ProtocolVersion: '2' }, 'PairingProhibitedOverThisConnection'],
  [{ Request: 'GetValue', Key: 'DevicePublicKey' }, 'GetProhibited'],
  [{ Request: 'GetValue', Key: 'BuildVersion' }, 'GetProhibited'],
  [{ Request: 'GetValue', Key: 'SerialNumber' }, 'GetProhibited'],
  [{ Request: 'StartService', Service: 'com.apple.afc' }, 'SessionInactive'],
] as const satisfies readonly (readonly [PlistDict, string])[]) {
  test(`a computer without a session that asks ${request.Request} ${'Key' in request ? request.Key : ''} hears ${error}`, async () => {
    await using world = await openPairedPhone()
    await using lockdown = dialTcp(world.wifi)
    assert.equal((await ask(lockdown, request)).Error, error)
  })
}

test('a computer without a session learns who the phone is, and no more', async () => {
  await using world = await openPairedPhone()
  await using lockdown = dialTcp(world.wifi)
  const values = dictOf((await ask(lockdown, { Request: 'GetValue' })).Value)
  assert.equal(values?.UniqueDeviceID, world.phone.udid)
  assert.deepEqual(
    [values?.DevicePublicKey, values?.DeviceClass, values?.SerialNumber],
    [undefined, undefined, undefined],
  )
})

test('a port of StartService serves one connection', async () => {
  await using world = await openPairedPhone()
  const { port, channel, session } = await startServiceOverWifi(
    world.wifi,
    world.host,
    'com.apple.mobile.installation_proxy',
  )
  await using closing = channel
  await using closingToo = session
  assert.equal((await ask(closing, { Command: 'Lookup' })).Status, 'Complete')
  assert.ok(await hasEnded(dialTcp({ address: world.wifi.address, port })))
  assert.equal((await ask(closingToo, { Request: 'GetValue', Key: 'ProductVersion' })).Value, '18.5')
})

test('a port of StartService closes when nobody comes for a minute', async () => {
  await using world = await openPairedPhone()
  await using session = await startSession(dialTcp(world.wifi), world.host)
  const { Port } = await ask(session, { Request: 'StartService', Service: 'com.apple.afc' })
  world.clock.pass(60_000)
  await settle()
  assert.ok(await hasEnded(dialTcp({ address: world.wifi.address, port: Number(Port) })))
})

test('connections end when they are switched off, and nobody gets in until they are on again', async () => {
  await using world = await openPairedPhone()
  const { channel, session } = await startServiceOverWifi(world.wifi, world.host, 'com.apple.mobile.notification_proxy')
  world.phone.values.set(WIRELESS, 'EnableWifiConnections', false)
  assert.ok(await hasEnded(session))
  assert.ok(await hasEnded(channel))
  assert.ok(await hasEnded(dialTcp(world.wifi)))
  world.phone.values.set(WIRELESS, 'EnableWifiConnections', true)
  await using again = dialTcp(world.wifi)
  assert.equal((await ask(again, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
})

test('a host that misses two heartbeats loses all its connections, and another host none', async () => {
  await using world = await openPairedPhone()
  await using cable = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  const other = await pairWith(cable)
  await using others = await startSession(dialTcp(world.wifi), other)
  const silent = await startServiceOverWifi(world.wifi, world.host, 'com.apple.mobile.heartbeat')
  const proxy = await startServiceOverWifi(world.wifi, world.host, 'com.apple.mobile.installation_proxy')
  assert.equal((await ask(proxy.channel, { Command: 'Lookup' })).Status, 'Complete')
  for (let marco = 0; marco < 2; marco++) {
    assert.equal((await hear(silent.channel)).Command, 'Marco')
    world.clock.pass(10_000)
  }
  for (const channel of [silent.session, silent.channel, proxy.session, proxy.channel])
    assert.ok(await hasEnded(channel))
  assert.equal((await ask(others, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
})

test('a host that has no heartbeat loses its connections after half a minute; one that has keeps them', async () => {
  await using world = await openPairedPhone()
  const { clock, wifi, host } = world
  await using session = await startSession(dialTcp(wifi), host)
  clock.pass(29_999)
  assert.equal((await ask(session, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
  clock.pass(1)
  assert.ok(await hasEnded(session))

  const { channel: heartbeat, ...beating } = await startServiceOverWifi(wifi, host, 'com.apple.mobile.heartbeat')
  const proxy = await startServiceOverWifi(wifi, host, 'com.apple.mobile.installation_proxy')
  for (let marco = 0; marco < 8; marco++) {
    assert.equal((await ask(heartbeat, { Command: 'Polo' })).Command, 'Marco')
    await settle()
    clock.pass(10_000)
  }
  assert.equal((await ask(proxy.channel, { Command: 'Lookup' })).Status, 'Complete')
  await heartbeat[Symbol.asyncDispose]()
  await settle()
  clock.pass(30_000)
  for (const channel of [beating.session, proxy.session, proxy.channel]) assert.ok(await hasEnded(channel))
})

test("the heartbeat of one host keeps no other host's connections", async () => {
  await using world = await openPairedPhone()
  const { clock, wifi, host } = world
  await using cable = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  await using silent = await startSession(dialTcp(wifi), await pairWith(cable))
  const { channel: heartbeat } = await startServiceOverWifi(wifi, host, 'com.apple.mobile.heartbeat')
  for (let marco = 0; marco < 3; marco++) {
    assert.equal((await ask(heartbeat, { Command: 'Polo' })).Command, 'Marco')
    await settle()
    clock.pass(10_000)
  }
  assert.ok(await hasEnded(silent))
  assert.equal((await ask(heartbeat, { Command: 'Polo' })).Command, 'Marco')
  await heartbeat[Symbol.asyncDispose]()
})

test("a connection without a session is nobody's, and may stay", async () => {
  await using world = await openPairedPhone()
  await using lockdown = dialTcp(world.wifi)
  await ask(lockdown, { Request: 'QueryType' })
  world.clock.pass(1_000_000)
  assert.equal((await ask(lockdown, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
})

test('a request over the network is told as one over the cable, also when it is refused', async () => {
  await using world = await openPairedPhone()
  const told: string[] = []
  world.phone.events.add((event) => event.kind === 'request' && told.push(event.request))
  await using lockdown = dialTcp(world.wifi)
  await ask(lockdown, { Request: 'Pair' })
  await ask(lockdown, { Request: 'GetValue', Key: 'BuildVersion' })
  assert.deepEqual(told, ['Pair', 'GetValue BuildVersion'])
})

test('a host on the cable may miss as many heartbeats as it likes', async () => {
  await using world = await openPairedPhone()
  await using cable = await startSession(await connectTo(world.mux.address, { deviceId: 1, port: 62078 }), world.host)
  const { Port } = await ask(cable, { Request: 'StartService', Service: 'com.apple.mobile.heartbeat' })
  const plain = await connectTo(world.mux.address, { deviceId: 1, port: Number(Port) })
  await using heartbeat = secure(plain.detach(), world.host.keys)
  for (let marco = 0; marco < 5; marco++) {
    assert.equal((await hear(heartbeat)).Command, 'Marco')
    world.clock.pass(10_000)
  }
})

test('a phone that goes to sleep says so, and ends the connections of the host', async () => {
  await using world = await openPairedPhone()
  const { channel, session } = await startServiceOverWifi(world.wifi, world.host, 'com.apple.mobile.heartbeat')
  assert.equal((await hear(channel)).Command, 'Marco')
  world.phone.power.tell({ what: 'sleep', displayPass: false, displayFail: false })
  assert.equal((await hear(channel)).Command, 'SleepyTime')
  assert.ok(await hasEnded(channel))
  assert.ok(await hasEnded(session))
})

test('a computer that the phone has forgotten gets no session', async () => {
  await using world = await openPairedPhone()
  await using cable = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  const stranger = await pairWith(cable)
  await tell(cable, { Request: 'Unpair', PairRecord: stranger.keys.record })
  await hear(cable)
  await using lockdown = dialTcp(world.wifi)
  const { HostID = '', SystemBUID = '' } = stranger.keys.record
  assert.equal((await ask(lockdown, { Request: 'StartSession', HostID, SystemBUID })).Error, 'InvalidHostID')
})

test('a mux server lists the phone on the cable and on the network, and connects to both', async () => {
  await using world = await openPairedPhone()
  world.mux.attach(world.wifi)
  assert.throws(
    () => world.mux.attach(world.wifi),
    (error) => isAppError(error, 'virtual-phone.attached-twice'),
  )
  await using client = await dialMux(world.mux.address)
  const { DeviceList } = await askMux(client, { MessageType: 'ListDevices' })
  const [usb, network] = (DeviceList as PlistDict[]).map((device) => dictOf(device.Properties))
  assert.deepEqual([usb?.ConnectionType, network?.ConnectionType], ['USB', 'Network'])
  assert.deepEqual([usb?.DeviceID, network?.DeviceID], [1, 2])
  assert.equal(network?.SerialNumber, world.phone.udid)
  assert.match(
    String(network?.EscapedFullServiceName),
    /^7e:e3:e5:7c:22:66@fe80::[0-9a-f:]+\._apple-mobdev2\._tcp\.local\.$/,
  )
  assert.equal(world.phone.values.get(WIRELESS, 'BonjourFullServiceName'), network?.EscapedFullServiceName)
  await using session = await startSession(await connectTo(world.mux.address, { deviceId: 2, port: 62078 }), world.host)
  const { Port } = await ask(session, { Request: 'StartService', Service: 'com.apple.mobile.installation_proxy' })
  const plain = await connectTo(world.mux.address, { deviceId: 2, port: Number(Port) })
  await using proxy = secure(plain.detach(), world.host.keys)
  assert.equal((await ask(proxy, { Command: 'Lookup' })).Status, 'Complete')
  await using lockdown = await connectTo(world.mux.address, { deviceId: 2, port: 62078 })
  assert.equal((await ask(lockdown, { Request: 'Pair' })).Error, 'PairingProhibitedOverThisConnection')
})

test('a phone that left the network ends its connections, also those that came by a mux server', async () => {
  await using world = await openPairedPhone()
  world.mux.attach(world.wifi)
  await using direct = dialTcp(world.wifi)
  await ask(direct, { Request: 'QueryType' })
  await using byMux = await connectTo(world.mux.address, { deviceId: 2, port: 62078 })
  await ask(byMux, { Request: 'QueryType' })
  await world.wifi[Symbol.asyncDispose]()
  assert.ok(await hasEnded(direct))
  assert.ok(await hasEnded(byMux))
  assert.equal(world.wifi.connect(62078), undefined)
})

test('an address that cannot be had is told', async () => {
  const { phone } = await openTestPhone()
  await using closing = phone
  await using taken = await openWifi(closing, { signal: NEVER })
  for (const options of [{ address: 'elsewhere' }, { address: '192.0.2.1' }, { port: taken.port }]) {
    await assert.rejects(openWifi(closing, { signal: NEVER, ...options }), (error) =>
      isAppError(error, 'virtual-phone.not-listening'),
    )
  }
})

test('hostile bytes end their connection and no other', async () => {
  await using world = await openPairedPhone()
  await using good = await startSession(dialTcp(world.wifi), world.host)
  for (const bytes of [Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4)]) {
    await using hostile = dialTcp(world.wifi)
    await hostile.write(bytes, { signal: NEVER })
    assert.ok(await hasEnded(hostile))
  }
  assert.equal((await ask(good, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
})
