import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { seededRandom } from '../../base/random.ts'
import type { Advertiser } from '../testing/advertiser.ts'
import { encodeAnswer, openAdvertiser, phoneAnswer } from '../testing/advertiser.ts'
import { hex } from '../testing/wire.ts'
import type { AdvertEvent } from './watch-adverts.ts'
import { browseAdverts, watchAdverts } from './watch-adverts.ts'

const signal = NEVER
const clock = systemClock
const SERVICE = '_apple-mobdev2._tcp.local'

/**
 * The instance name is one that was seen in the field, the layout that of RFC 1035 with compressed names as Apple's responder
 * writes them: PTR; SRV to Anas-iPhone.local:62078, an empty TXT, A 127.0.0.1, AAAA fe80::ec5d:2ce:de16:3ce2.
 */
const GOLDEN = hex(`
  0000 8400 0000 0001 0000 0004
  0e5f6170706c652d6d6f6264657632 045f746370 056c6f63616c 00 000c 0001 00001194 003b
  38 64643a31633a37393a33333a32643a3163 40 666538303a3a656335643a3263653a646531363a33636532 2d737570706f72747352502d3234 c00c
  c031 0021 8001 00000078 0014 0000 0000 f27e 0b416e61732d6950686f6e65 c020
  c031 0010 8001 00001194 0001 00
  c07e 0001 8001 00000078 0004 7f000001
  c07e 001c 8001 00000078 0010 fe80000000000000ec5d02cede163ce2`)

test('the advert of a phone is read from its packet, and only an address on the same network is taken', async () => {
  await using advertiser = await openAdvertiser(GOLDEN)
  const { adverts, problems } = await browseAdverts(advertiser.place, { ms: 400, clock, signal })
  assert.deepEqual(problems, [])
  assert.deepEqual(adverts, [
    {
      name: `dd:1c:79:33:2d:1c@fe80::ec5d:2ce:de16:3ce2-supportsrp-24.${SERVICE}`,
      macAddress: 'dd:1c:79:33:2d:1c',
      texts: new Map(),
      addresses: ['127.0.0.1'],
      port: 62_078,
    },
  ])
})

/** Watches, and hands each event to `onEvent` until that returns true. */
async function watchUntil(
  { place }: Advertiser,
  onEvent: (event: AdvertEvent) => boolean | Promise<boolean>,
  watchClock = clock,
) {
  for await (const event of watchAdverts(place, { clock: watchClock, signal })) if (await onEvent(event)) return
}

test('a phone that comes, moves and says goodbye is told each time, and nothing else is', async () => {
  const packet = (port: number, ttl = 120) => phoneAnswer({ instance: 'x', port, ttl })
  await using advertiser = await openAdvertiser(packet(1))
  const told: string[] = []
  await watchUntil(advertiser, async (event) => {
    told.push(event.kind === 'here' ? `here ${event.advert.port}` : event.kind)
    if (told.length === 1) {
      advertiser.answers.length = 0
      await advertiser.say(packet(1))
      await advertiser.say(packet(2))
    }
    if (told.length === 2) await advertiser.say(packet(2, 0))
    return told.length === 3
  })
  assert.deepEqual(told, ['here 1', 'here 2', 'gone'])
})

test('a phone that falls silent is gone when its advert has run out', async () => {
  let skippedMs = 0
  const jumping = { ...systemClock, elapsedMs: () => systemClock.elapsedMs() + skippedMs }
  await using advertiser = await openAdvertiser(phoneAnswer({ instance: 'x', port: 1, ttl: 60 }))
  const told: string[] = []
  await watchUntil(
    advertiser,
    async (event) => {
      told.push(event.kind)
      advertiser.answers.length = 0
      skippedMs = 60_000
      await advertiser.say(encodeAnswer([]))
      return told.length === 2
    },
    jumping,
  )
  assert.deepEqual(told, ['here', 'gone'])
  assert.ok(advertiser.questions > 0)
})

test('the parts of an advert are asked for when they do not come by themselves', async () => {
  const name = `x.${SERVICE}`
  await using advertiser = await openAdvertiser(encodeAnswer([{ type: 'PTR', name: SERVICE, target: name }]))
  advertiser.answers.push(encodeAnswer([{ type: 'SRV', name, target: 'h.local', port: 9 }]))
  advertiser.answers.push(encodeAnswer([{ type: 'A', name: 'h.local', address: '127.0.0.1' }]))
  await watchUntil(advertiser, (event) => event.kind === 'here' && event.advert.port === 9)
})

test('nonsense on the network hides no phone', async () => {
  const random = seededRandom(7)
  const noise = () =>
    Uint8Array.from({ length: 4 + random.below(300) }, (_, at) => (at === 2 ? 0x84 : random.below(256)))
  const damaged = () => GOLDEN.with(random.below(GOLDEN.length), random.pick([0, 0x3f, 0xc0, 0xff]))
  const cut = () => GOLDEN.subarray(0, random.below(GOLDEN.length))
  const endless = (at: number) => Uint8Array.of(0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, at)
  const hostile = Array.from({ length: 15 }, () => [noise(), damaged(), cut()]).flat()
  const phone = phoneAnswer({ instance: 'the phone', port: 4 })
  await using advertiser = await openAdvertiser(endless(12), endless(13), ...hostile, phone)
  await watchUntil(advertiser, (event) => event.kind === 'here' && event.advert.port === 4)
})

test('a port that is not to be had is a problem that is told, once, and not the end', async () => {
  const holder = createSocket('udp4')
  holder.bind(0, '0.0.0.0')
  await once(holder, 'listening')
  const place = { interfaces: ['127.0.0.1'], port: holder.address().port }
  const { adverts, problems } = await browseAdverts(place, { ms: 300, clock, signal })
  assert.deepEqual(adverts, [])
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['device.no-mdns'],
  )
  assert.match(problems[0]?.message ?? '', /EADDRINUSE/)
  holder.close()
})

test('a network that this machine does not have is listened to in vain, and aborting ends a watch', async () => {
  const abort = new AbortController()
  const place = { interfaces: ['203.0.113.5'], port: 5399 }
  const watching = watchAdverts(place, { clock, signal: abort.signal }).next()
  abort.abort(new Error('enough'))
  await assert.rejects(watching, /enough/)
})
