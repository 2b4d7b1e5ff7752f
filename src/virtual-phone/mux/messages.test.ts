import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, fromUtf8, utf8 } from '../../base/bytes.ts'
import { openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { hex } from '../testing/host.ts'
import { encodeBinaryRefusal, encodeMuxResult, MESSAGE_BYTES_MAX, readMuxRequest, swapPort } from './messages.ts'

/** The request of docs/protocol/usbmux.md#framing: a header by hand, then what libusbmuxd writes. */
const CONNECT_BODY = utf8(
  '<plist version="1.0"><dict><key>MessageType</key><string>Connect</string>' +
    '<key>DeviceID</key><integer>7</integer><key>PortNumber</key><integer>32498</integer></dict></plist>',
)
const CONNECT = concatBytes([hex('bc000000 01000000 08000000 2a000000'), CONNECT_BODY])

async function readAll(bytes: Uint8Array, { splitAt = bytes.length }: { splitAt?: number } = {}) {
  const [near, far] = duplexPair()
  const channel = openChannel(far)
  near.write(bytes.subarray(0, splitAt))
  setImmediate(() => near.end(bytes.subarray(splitAt)))
  return await readMuxRequest(channel, { signal: NEVER })
}

test('the port in Connect has its bytes swapped: 62078 travels as 32498', () => {
  assert.equal(swapPort(32498), 62078)
  fc.assert(fc.property(fc.integer({ min: 0, max: 65535 }), (port) => swapPort(swapPort(port)) === port))
})

test('an answer counts its header in its size, is of version 1 and kind 8, carries the tag and is XML', () => {
  const frame = encodeMuxResult(3, { tag: 7 })
  assert.deepEqual(Buffer.from(frame.subarray(4, 16)), Buffer.from(hex('01000000 08000000 07000000')))
  assert.equal(Buffer.from(frame).readUInt32LE(0), frame.length)
  assert.match(
    fromUtf8(frame.subarray(16)),
    /^<\?xml .*<key>MessageType<\/key>\s*<string>Result<\/string>\s*<key>Number<\/key>\s*<integer>3</s,
  )
})

test('a client of the binary protocol is refused in its own words, with code 6', () => {
  const expected = hex('14000000 00000000 01000000 09000000 06000000')
  assert.deepEqual(Buffer.from(encodeBinaryRefusal({ tag: 9 })), Buffer.from(expected))
})

test('a request is read from pieces of any size', async () => {
  assert.equal(CONNECT.length, 0xbc)
  for (let splitAt = 1; splitAt < CONNECT.length; splitAt++) {
    const request = await readAll(CONNECT, { splitAt })
    assert.equal(request?.tag, 42)
    assert.deepEqual({ ...request?.command }, { MessageType: 'Connect', DeviceID: 7, PortNumber: 32498 })
  }
})

test('a client that leaves between two requests has just left', async () => {
  assert.equal(await readAll(new Uint8Array(0)), undefined)
})

for (const [what, size] of [
  ['smaller than its header', 15],
  ['larger than 64 KiB', MESSAGE_BYTES_MAX + 1],
  ['of 4 GiB', 0xffffffff],
] as const) {
  test(`a message that claims to be ${what} ends the connection`, async () => {
    const head = Buffer.from(CONNECT)
    head.writeUInt32LE(size, 0)
    await assert.rejects(readAll(head), (error) => isAppError(error, 'wire.bad-frame'))
  })
}

test('a message that ends early ends the connection', async () => {
  await assert.rejects(readAll(CONNECT.subarray(0, 60)), (error) => isAppError(error, 'wire.closed'))
})

test('whatever a well-framed message holds, it is a command or none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (body) => {
      const head = Buffer.alloc(16)
      for (const [index, word] of [16 + body.length, 1, 8, 5].entries()) head.writeUInt32LE(word, 4 * index)
      assert.deepEqual(await readAll(concatBytes([head, body])), { tag: 5, isBinary: false, command: undefined })
    }),
    { numRuns: 50 },
  )
})
