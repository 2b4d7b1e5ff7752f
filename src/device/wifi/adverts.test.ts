import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes.ts'
import type { Sender } from './adverts.ts'
import { Adverts } from './adverts.ts'
import type { LooseRecord } from './mdns-records.ts'
import { parseRecords } from './mdns-records.ts'

const SERVICE = '_apple-mobdev2._tcp.local'
const link = { name: 'wlan0', addresses: ['10.0.0.1'], has: (address: string) => /^(10\.|fe80)/.test(address) }
const sender: Sender = { address: '10.0.0.7', link }

type AnyRecord = LooseRecord & { readonly [key: string]: unknown }

/** What the DNS library makes of a phone's answer. */
function answer(
  name: string,
  { ttl = 120, host = 'Phone.local', address = '10.0.0.7', port = 62_078 } = {},
): AnyRecord[] {
  const instance = `${name}.${SERVICE}`
  return [
    { type: 'A', name: host, ttl, data: address, flush: true },
    { type: 'PTR', name: SERVICE, ttl, data: instance },
    { type: 'SRV', name: instance, ttl, data: { target: host, port, priority: 0, weight: 0 } },
    {
      type: 'TXT',
      name: instance,
      ttl,
      data: [Buffer.from('Identifier=a=b'), Buffer.from('identifier=late'), Buffer.from('x')],
    },
  ]
}

function adverts(...packets: readonly (readonly AnyRecord[])[]): Adverts {
  const adverts = new Adverts()
  for (const packet of packets) adverts.take(parseRecords(packet), sender, 0)
  return adverts
}

test('the records of one packet make an advert, in whatever order they stand', () => {
  const expected = {
    name: `dd:1c:79:33:2d:1c@fe80::ec5d-supportsrp-24.${SERVICE}`,
    macAddress: 'dd:1c:79:33:2d:1c',
    texts: new Map([['identifier', utf8('a=b')]]),
    addresses: ['10.0.0.7'],
    port: 62_078,
  }
  const packet = answer('dd:1c:79:33:2d:1c@fe80::ec5d-supportsRP-24')
  for (const order of [packet, packet.toReversed()]) assert.deepEqual(adverts(order).complete(0), [expected])
})

test('an advert that came in pieces is asked for what it lacks, then complete', () => {
  const [a, ptr, srv, txt] = answer('x')
  const partly = adverts([ptr!])
  const name = `x.${SERVICE}`
  assert.deepEqual(partly.missing(0), [
    { name, type: 'SRV' },
    { name, type: 'TXT' },
  ])
  partly.take(parseRecords([srv!, txt!]), sender, 0)
  assert.deepEqual(partly.missing(0), [
    { name: 'phone.local', type: 'A' },
    { name: 'phone.local', type: 'AAAA' },
  ])
  assert.deepEqual(partly.complete(0), [])
  partly.take(parseRecords([a!]), sender, 0)
  assert.equal(partly.complete(0).length, 1)
})

test('an advert lasts as long as it says, and no longer than a few minutes', () => {
  for (const [ttl, lastMs] of [
    [1, 999],
    [120, 119_999],
    [4_294_967_295, 149_999],
  ] as const) {
    const told = adverts(answer('x', { ttl }))
    assert.equal(told.nextEndMs(), lastMs + 1)
    told.expire(lastMs)
    assert.equal(told.complete(lastMs).length, 1, `${ttl} s`)
    told.expire(lastMs + 1)
    assert.deepEqual(told.complete(lastMs + 1), [])
    assert.equal(told.nextEndMs(), undefined)
  }
})

test('a phone that says goodbye is gone at once', () => {
  const told = adverts(answer('x'), answer('y', { host: 'Other.local' }), answer('x', { ttl: 0 }))
  told.expire(0)
  assert.deepEqual(
    told.complete(0).map(({ name }) => name),
    [`y.${SERVICE}`],
  )
})

test('a new IPv4 address takes the place of the old one, and leaves the IPv6 ones', () => {
  const v6 = { type: 'AAAA', name: 'phone.local', ttl: 120, data: 'fe80::1', flush: true }
  const told = adverts([...answer('x'), v6], answer('x', { address: '10.0.0.8' }))
  assert.deepEqual(told.complete(0)[0]?.addresses, ['10.0.0.8', 'fe80::1%wlan0'])
})

test('an address that belongs to nobody on this network is not believed', () => {
  assert.deepEqual(adverts(answer('x', { address: '8.8.8.8' })).complete(0), [])
})

test('records without an offer, of other services, and for other hosts are not kept', () => {
  const told = adverts(
    answer('x').slice(2),
    [{ type: 'PTR', name: '_http._tcp.local', ttl: 120, data: 'x._http._tcp.local' }],
    [{ type: 'PTR', name: SERVICE, ttl: 120, data: 'x._http._tcp.local' }],
  )
  assert.deepEqual([told.complete(0), told.missing(0), told.nextEndMs()], [[], [], undefined])
})

test('a flood fills no memory, and pushes out nobody who was there before', () => {
  const told = adverts(answer('first'))
  const flood = (from: string, host: (at: number) => string) => {
    for (let at = 0; at < 200; at++) {
      told.take(parseRecords(answer(`${from}-${at}`, { host: host(at) })), { address: from, link }, 0)
    }
  }
  flood('10.0.0.66', (at) => `h${at}.local`)
  assert.equal(told.complete(0).length, 1 + 64, 'from one address')
  for (let at = 0; at < 100; at++) flood(`10.0.1.${at}`, () => 'same.local')
  assert.equal(told.complete(0).length, 1000)
  assert.ok(told.complete(0).some(({ name }) => name.startsWith('first.')))
  assert.ok(told.missing(0).length <= 32)
})

test('one advert that changes its host over and over, and has a thousand addresses, stays small', () => {
  const told = new Adverts()
  const take = (...records: AnyRecord[]) => told.take(parseRecords(records), sender, 0)
  for (let at = 0; at < 1000; at++) {
    take(...answer('x', { host: `h${at}.local` }))
    take({ type: 'A', name: `h${at}.local`, ttl: 120, data: '10.0.0.8' })
  }
  for (let at = 0; at < 1000; at++)
    take({ type: 'A', name: 'h999.local', ttl: 120, data: `10.1.${at >> 8}.${at & 255}` })
  assert.equal(told.complete(0)[0]?.addresses.length, 8)
})

const anything = fc.oneof(
  fc.anything(),
  fc.string(),
  fc.constantFrom('PTR', 'SRV', 'TXT', 'A', 'AAAA', SERVICE, `x.${SERVICE}`, '10.0.0.9', 'fe80::1%a', 120),
)
const record = fc.record({
  type: fc.constantFrom('PTR', 'SRV', 'TXT', 'A', 'AAAA', 'NSEC'),
  name: anything,
  ttl: anything,
  flush: anything,
  data: anything,
})

test('no record, whatever its parts, makes the readers throw', () => {
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const told = adverts(records as AnyRecord[], answer('x'))
      assert.ok(told.complete(0).every(({ addresses }) => addresses.length > 0))
    }),
  )
})

test('texts beyond what a record may hold are left out', () => {
  const [, ptr, srv, txt] = answer('x')
  const data = [Buffer.alloc(70_000, 'a=b'), ...Array.from({ length: 500 }, (_, at) => Buffer.from(`k${at}=v`))]
  const told = adverts([ptr!, srv!, { ...txt!, data }, answer('x')[0]!])
  assert.equal(told.complete(0)[0]?.texts.size, 63)
})
