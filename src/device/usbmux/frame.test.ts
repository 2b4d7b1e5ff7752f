import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import { encodeXmlPlist } from '../../plist/index.ts'
import { everySplitOf, hex, wireOf } from '../testing/wire.ts'
import { encodeMuxHeader, readMuxMessage, swapPort } from './frame.ts'
import { connectRequest } from './mux.ts'

const signal = NEVER

/** Total size, version 1, kind 8 (plist), tag; little-endian. Source: docs/protocol/usbmux.md. */
test('a usbmux header counts itself in its size', () => {
  assert.deepEqual(encodeMuxHeader({ payloadBytes: 0, tag: 7 }), hex('10000000 01000000 08000000 07000000'))
  assert.deepEqual(encodeMuxHeader({ payloadBytes: 300, tag: 1 }), hex('3c010000 01000000 08000000 01000000'))
})

test('Connect carries the port with its bytes swapped: 62078 travels as 32498', () => {
  assert.deepEqual(connectRequest({ deviceId: 3, port: 62078 }), {
    MessageType: 'Connect',
    DeviceID: 3,
    PortNumber: 32498,
  })
  assert.equal(swapPort(swapPort(49_152)), 49_152)
})

const payload = encodeXmlPlist({ MessageType: 'Result', Number: 0 })
const message = Buffer.concat([encodeMuxHeader({ payloadBytes: payload.length, tag: 9 }), payload])

test('a message is read the same however it was cut, and nothing behind it is touched', async () => {
  for (const pieces of everySplitOf(message)) {
    const channel = wireOf(...pieces, hex('de ad be ef'))
    const { tag, body } = await readMuxMessage(channel, { signal })
    assert.deepEqual({ tag, ...body }, { tag: 9, MessageType: 'Result', Number: 0 })
    assert.deepEqual(Buffer.from(await channel.readExactly(4, { signal })), Buffer.from(hex('de ad be ef')))
  }
})

for (const [name, bytes] of [
  ['a size below the header', hex('0f000000 01000000 08000000 01000000')],
  ['a size beyond the limit', hex('01001000 01000000 08000000 01000000')],
  ['the binary protocol', hex('14000000 00000000 01000000 01000000 00000000')],
  ['a kind that is no plist', hex('10000000 01000000 01000000 01000000')],
  [
    'a plist that is no dictionary',
    Buffer.concat([encodeMuxHeader({ payloadBytes: encodeXmlPlist([]).length, tag: 1 }), encodeXmlPlist([])]),
  ],
] as const) {
  test(`${name} ends the connection`, async () => {
    await assert.rejects(readMuxMessage(wireOf(bytes), { signal }), (error) => isAppError(error, 'wire.bad-frame'))
  })
}
