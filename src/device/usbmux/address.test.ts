import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { formatMuxAddress, parseMuxAddress } from './address.ts'

const socket = { kind: 'socket', path: '/run/usbmuxd' } as const

for (const [text, expected] of [
  ['/run/usbmuxd', socket],
  ['UNIX:/run/usbmuxd', socket],
  ['unix:/run/usbmuxd', socket],
  ['unix:///run/usbmuxd', socket],
  ['127.0.0.1:27015', { kind: 'tcp', host: '127.0.0.1', port: 27015 }],
  ['muxd.local:1', { kind: 'tcp', host: 'muxd.local', port: 1 }],
  ['tcp://muxd:65535', { kind: 'tcp', host: 'muxd', port: 65535 }],
  ['[::1]:27015', { kind: 'tcp', host: '::1', port: 27015 }],
  ['[fe80::1%eth0]:27015', { kind: 'tcp', host: 'fe80::1%eth0', port: 27015 }],
  [' /run/usbmuxd\n', socket],
] as const) {
  test(`an address of usbmuxd may be written ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseMuxAddress(text), expected)
    assert.deepEqual(parseMuxAddress(formatMuxAddress(parseMuxAddress(text))), expected)
  })
}

for (const text of [
  '',
  'usbmuxd',
  'host:',
  ':27015',
  'host:0',
  'host:65536',
  'host:abc',
  '::1:27015',
  '/a\0b',
  'a b:1',
]) {
  test(`${JSON.stringify(text)} is no address`, () => {
    assert.throws(
      () => parseMuxAddress(text),
      (error) => isAppError(error, 'device.bad-address'),
    )
  })
}
