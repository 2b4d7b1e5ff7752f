import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { dialable, inOrder, linksOf } from './links.ts'
import { formatWifiAddress, parseWifiAddress } from './wifi-address.ts'
import { EVERY_NETWORK, parseWifiPlace } from './wifi-place.ts'

const common = { mac: '02:00:00:00:00:01', internal: false, netmask: '' }
const [wlan, lo] = linksOf({
  wlan0: [
    { ...common, family: 'IPv4', address: '192.168.1.2', cidr: '192.168.1.2/24' },
    { ...common, family: 'IPv6', address: 'fe80::2', cidr: 'fe80::2/64', scopeid: 2 },
    { ...common, family: 'IPv6', address: 'fd00:1::2', cidr: 'fd00:1::2/64', scopeid: 0 },
  ],
  lo: [{ ...common, family: 'IPv4', address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true }],
})

for (const [address, expected] of [
  ['192.168.1.20', '192.168.1.20'],
  ['fe80::ec5d:2ce:de16:3ce2', 'fe80::ec5d:2ce:de16:3ce2%wlan0'],
  ['fd00:1::7', 'fd00:1::7'],
  ['192.168.2.20', undefined],
  ['127.0.0.1', undefined],
  ['8.8.8.8', undefined],
  ['::ffff:8.8.8.8', undefined],
  ['2001:db8::1', undefined],
  ['phone.example', undefined],
  ['', undefined],
] as const) {
  test(`${address || 'nothing'} on the home network is ${expected ? `dialled as ${expected}` : 'not dialled'}`, () => {
    assert.equal(dialable(address, wlan!), expected)
  })
}

test('only who is on the loopback interface may name an address there', () => {
  assert.equal(dialable('127.0.0.1', lo!), '127.0.0.1')
  assert.equal(dialable('192.168.1.20', lo!), undefined)
})

test('IPv4 comes first, link-local addresses last', () => {
  assert.deepEqual(inOrder(['fe80::1%wlan0', 'fd00::1', '10.0.0.1']), ['10.0.0.1', 'fd00::1', 'fe80::1%wlan0'])
})

for (const address of [
  { host: '192.168.1.20', port: 62_078 },
  { host: 'fe80::1%wlan0', port: 1 },
]) {
  test(`${formatWifiAddress(address)} reads back as written`, () => {
    assert.deepEqual(parseWifiAddress(`${formatWifiAddress(address)}\n`), address)
  })
}

test('no text makes the reader of addresses throw, and none but an IP address passes', () => {
  for (const text of ['', 'phone:1', '10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536', '[10.0.0]:1', '999.1.1.1:1']) {
    assert.equal(parseWifiAddress(text), undefined)
  }
  fc.assert(fc.property(fc.string(), (text) => void parseWifiAddress(text)))
})

test('where to look is on, off, or one network and a port', () => {
  assert.deepEqual(parseWifiPlace('on'), EVERY_NETWORK)
  assert.equal(parseWifiPlace('off'), undefined)
  assert.deepEqual(parseWifiPlace('127.0.0.1:15353'), { interfaces: ['127.0.0.1'], port: 15_353 })
  for (const text of ['', 'yes', '127.0.0.1', '127.0.0.1:0', 'localhost:5353', '[::1]:5353', '1.2.3:5353']) {
    assert.throws(
      () => parseWifiPlace(text),
      (error) => isAppError(error, 'device.bad-address'),
    )
  }
})
