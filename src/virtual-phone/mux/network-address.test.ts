import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../testing/host.ts'
import { encodeNetworkAddress } from './network-address.ts'

// Source: docs/protocol/usbmux.md#phones-on-the-network
for (const [layout, expected] of [
  ['bsd', '10 02 00 00 c0 a8 01 14'],
  ['native', '02 00 00 00 c0 a8 01 14'],
] as const) {
  test(`192.168.1.20 in the ${layout} layout`, () => {
    const address = encodeNetworkAddress('192.168.1.20', layout)
    assert.equal(address.length, 128)
    assert.deepEqual(address.subarray(0, 8), hex(expected))
    assert.ok(address.subarray(8).every((byte) => byte === 0))
  })
}
