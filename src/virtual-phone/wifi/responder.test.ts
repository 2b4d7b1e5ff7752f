import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, test } from 'node:test'
import type { Answer } from 'dns-packet'
import type { ResponsePacket } from 'multicast-dns'
import { NEVER } from '../../base/abort.ts'
import { ask, connectTo, pairWith } from '../testing/host.ts'
import { mdnsPortForTests, openMdnsHost } from '../testing/wifi-host.ts'
import { openTestWorld } from '../testing/world.ts'
import { SERVICE_TYPE } from './advert.ts'
import { authTagOf } from './auth-tag.ts'
import { openWifi } from './wifi.ts'

const mdnsPort = mdnsPortForTests()
const ASK = { questions: [{ name: SERVICE_TYPE, type: 'PTR' as const }] }
const WIRELESS = 'com.apple.mobile.wireless_lockdown'

const host = await openMdnsHost(mdnsPort)
after(() => host[Symbol.asyncDispose]())

function recordsIn({ answers = [], additionals = [] }: ResponsePacket): readonly Answer[] {
  return [...answers, ...additionals]
}

/** The phone's name in DNS-SD. */
function nameIn(response: ResponsePacket): string {
  const srv = recordsIn(response).find((record) => record.type === 'SRV')
  return srv?.name ?? ''
}

/** All text records of a response as one dictionary. */
function textsOf(response: ResponsePacket): { readonly [key: string]: string } {
  const texts = recordsIn(response).flatMap((record) => (record.type === 'TXT' ? [record.data].flat() : []))
  return Object.fromEntries(
    texts.map((text) => {
      const [, key = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(text.toString()) ?? []
      return [key, value]
    }),
  )
}

/** Is the response about the phone that listens there? */
function isAbout(port: number, { ttl }: { ttl?: number } = {}) {
  return (response: ResponsePacket) =>
    recordsIn(response).some(
      (record) => record.type === 'SRV' && record.data.port === port && (ttl === undefined || record.ttl === ttl),
    )
}

test('before iOS 26.4 a phone is found by its Wi-Fi address', async () => {
  await using world = await openTestWorld()
  await using wifi = await openWifi(world.phone, { mdnsPort, signal: NEVER })
  const response = await host.hear(isAbout(wifi.port), ASK)
  assert.ok(nameIn(response).startsWith(`${world.phone.identity.wifiAddress}@fe80::`))
  const addresses = recordsIn(response).flatMap((record) => (record.type === 'A' ? [record.data] : []))
  assert.deepEqual(addresses, ['127.0.0.1'])
  assert.equal(textsOf(response).authTag, undefined)
})

test('from iOS 26.4 on it is found by the tag of the computer that looks, announced when it pairs', async () => {
  await using world = await openTestWorld({ ios: '26.4' })
  await using wifi = await openWifi(world.phone, { mdnsPort, signal: NEVER })
  const name = nameIn(await host.hear(isAbout(wifi.port), ASK))
  assert.match(name, /^([0-9a-f]{2}:){5}[0-9a-f]{2}@fe80::/)
  assert.ok(!name.startsWith(world.phone.identity.wifiAddress))
  await using cable = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  const announced = host.hear((response) => isAbout(wifi.port)(response) && textsOf(response).authTag !== undefined)
  const { keys } = await pairWith(cable)
  const { identifier = '', authTag } = textsOf(await announced)
  assert.equal(authTag, authTagOf({ hostId: String(keys.record.HostID), identifier }))
  const forgotten = host.hear((response) => isAbout(wifi.port)(response) && textsOf(response).authTag === undefined)
  await ask(cable, { Request: 'Unpair', PairRecord: keys.record })
  assert.equal(textsOf(await forgotten).identifier, identifier)
})

test('either form can be had on any version', async () => {
  await using world = await openTestWorld()
  await using wifi = await openWifi(world.phone, { mdnsPort, advert: 'auth-tags', signal: NEVER })
  assert.match(textsOf(await host.hear(isAbout(wifi.port), ASK)).identifier ?? '', /^[\w+/]{11}=$/)
})

test('a phone says goodbye when it is switched off, and when it leaves, and announces itself when it comes', async () => {
  await using world = await openTestWorld()
  const coming = host.hear((response) => recordsIn(response).length === 4 && textsOf(response).identifier === undefined)
  const wifi = await openWifi(world.phone, { mdnsPort, signal: NEVER })
  assert.ok(isAbout(wifi.port, { ttl: 120 })(await coming))
  for (const isOn of [false, true]) {
    const told = host.hear(isAbout(wifi.port, { ttl: isOn ? 120 : 0 }))
    world.phone.values.set(WIRELESS, 'EnableWifiConnections', isOn)
    await told
  }
  const goodbye = host.hear(isAbout(wifi.port, { ttl: 0 }))
  await wifi[Symbol.asyncDispose]()
  await goodbye
})

test('nonsense and a flood of questions leave a phone that answers', async () => {
  await using world = await openTestWorld()
  await using wifi = await openWifi(world.phone, { mdnsPort, signal: NEVER })
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  socket.setMulticastInterface('127.0.0.1')
  const send = (bytes: Uint8Array) => new Promise((resolve) => socket.send(bytes, mdnsPort, '224.0.0.251', resolve))
  for (let seed = 0; seed < 200; seed++)
    await send(Uint8Array.from({ length: seed }, (_, at) => (seed * 37 + at * 11) % 256))
  await send(Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
  for (let count = 0; count < 500; count++) host.mdns.query(ASK)
  host.mdns.query({ questions: Array.from({ length: 500 }, () => ({ name: 'a.local', type: 'A' as const })) })
  socket.close()
  const isForMe = (response: ResponsePacket) => isAbout(wifi.port)(response) && response.answers?.[0]?.type === 'SRV'
  await host.hear(isForMe, { questions: [{ name: nameIn(await host.hear(isAbout(wifi.port), ASK)), type: 'SRV' }] })
})
