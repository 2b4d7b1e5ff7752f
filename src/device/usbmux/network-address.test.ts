import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex } from '../testing/wire.ts'
import { decodeNetworkAddress } from './network-address.ts'

const zeros = (count: number) => '00'.repeat(count)
const V6 = 'fe800000 00000000 ec5d02ce de163ce2'

/** The layouts of docs/protocol/usbmux.md: macOS with length and family bytes, Linux and Windows with a 16-bit family. */
for (const [name, blob, expected] of [
  ['IPv4 of macOS', `10 02 0000 c0a80114 ${zeros(120)}`, '192.168.1.20'],
  ['IPv4 of Linux', `0200 0000 c0a80114 ${zeros(120)}`, '192.168.1.20'],
  ['IPv4 without padding', '10 02 f27e c0a80114 0000000000000000', '192.168.1.20'],
  ['IPv6 of macOS with a scope', `1c 1e 0000 00000000 ${V6} 04000000 ${zeros(100)}`, 'fe80::ec5d:2ce:de16:3ce2%4'],
  ['IPv6 of Linux', `0a00 0000 00000000 ${V6} 02000000`, 'fe80::ec5d:2ce:de16:3ce2%2'],
  ['IPv6 of Windows', `1700 0000 00000000 20010db8 00000000 00000000 00000001 09000000`, '2001:db8::1'],
  ['family 0, seen once on Windows', `0000 0000 c0a80114 ${zeros(120)}`, undefined],
  ['too short an IPv4', '10 02 0000 c0a8', undefined],
  ['too short an IPv6', `1c 1e 0000 00000000 fe80`, undefined],
  ['nothing', '', undefined],
] as const) {
  test(`a network address: ${name}`, () => assert.equal(decodeNetworkAddress(hex(blob)), expected))
}

test('no blob makes the decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 140 }), (blob) => {
      const address = decodeNetworkAddress(blob)
      assert.ok(address === undefined || /^[0-9a-f.:%]+$/.test(address))
    }),
  )
})
