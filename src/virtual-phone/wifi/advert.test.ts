import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Advert, goodbyeOf, recordsOf, replyTo, SERVICE_TYPE } from './advert.ts'
import { instanceOf } from './names.ts'

const INSTANCE = 'dc:1c:79:33:2d:1c@fe80::de1c:79ff:fe33:2d1c'
const NAME = `${INSTANCE}._apple-mobdev2._tcp.local`

const ADVERT: Advert = {
  instance: INSTANCE,
  host: 'iPhone-123456',
  address: '127.0.0.1',
  port: 62078,
  txt: ['identifier=AAECAwQFBgc='],
}

test('a phone is named by its Wi-Fi address and the link-local address that belongs to it', () => {
  assert.equal(instanceOf('dc:1c:79:33:2d:1c'), INSTANCE)
})

test('the records lead from the service type to name, host and address', () => {
  const [ptr, srv, txt, a] = recordsOf(ADVERT)
  assert.deepEqual(ptr, { type: 'PTR', name: SERVICE_TYPE, ttl: 4500, data: NAME })
  assert.deepEqual(srv, {
    type: 'SRV',
    name: NAME,
    ttl: 120,
    flush: true,
    data: { port: 62078, target: 'iPhone-123456.local', priority: 0, weight: 0 },
  })
  assert.equal(txt?.type, 'TXT')
  assert.deepEqual(a, { type: 'A', name: 'iPhone-123456.local', ttl: 120, flush: true, data: '127.0.0.1' })
})

for (const [name, type, answered] of [
  [SERVICE_TYPE, 'PTR', ['PTR']],
  ['_APPLE-mobdev2._tcp.LOCAL', 'PTR', ['PTR']],
  [NAME, 'SRV', ['SRV']],
  [NAME, 'TXT', ['TXT']],
  [NAME, 'ANY', ['SRV', 'TXT']],
  ['iPhone-123456.local', 'A', ['A']],
  ['_services._dns-sd._udp.local', 'PTR', ['PTR']],
] as const) {
  test(`${type} ${name} is answered with ${answered}`, () => {
    // The package's types leave ANY out.
    const reply = replyTo([{ name, type: type as 'PTR' }], ADVERT)
    assert.deepEqual(
      reply?.answers.map((record) => record.type),
      answered,
    )
  })
}

for (const [name, type] of [
  ['_remotepairing._tcp.local', 'PTR'],
  [SERVICE_TYPE, 'A'],
  [`other.${SERVICE_TYPE}`, 'SRV'],
] as const) {
  test(`${type} ${name} is left to others`, () => assert.equal(replyTo([{ name, type }], ADVERT), undefined))
}

test('who asks for the service gets all the rest with it', () => {
  const reply = replyTo([{ name: SERVICE_TYPE, type: 'PTR' }], ADVERT)
  assert.deepEqual(
    reply?.additionals.map((record) => record.type),
    ['SRV', 'TXT', 'A'],
  )
})

test('a goodbye names every record, to be forgotten at once', () => {
  const goodbye = goodbyeOf(ADVERT)
  assert.equal(goodbye.length, 4)
  for (const record of goodbye) assert.equal('ttl' in record && record.ttl, 0)
})
