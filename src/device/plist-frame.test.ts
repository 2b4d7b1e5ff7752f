import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { utf8 } from '../base/bytes.ts'
import { isAppError } from '../base/errors.ts'
import { encodeBinaryPlist } from '../plist/index.ts'
import { encodeFrameHead, readDict, readPlist } from './plist-frame.ts'
import { everySplitOf, framed, framedPlist, hex, wire, wireOf } from './testing/wire.ts'

const options = { bytesMax: 1000, signal: NEVER }
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

/** Source: docs/protocol/lockdown.md. */
test('a frame starts with its size, big-endian', () => assert.deepEqual(encodeFrameHead(0x1_0203), hex('00 01 02 03')))

test('XML and binary answers are read the same, however they were cut', async () => {
  const answer = { Request: 'QueryType', Type: 'com.apple.mobile.lockdown' }
  for (const bytes of [framedPlist(answer), framed(encodeBinaryPlist(answer))]) {
    for (const pieces of everySplitOf(bytes)) {
      assert.deepEqual({ ...(await readDict(wireOf(...pieces), options)) }, answer)
    }
  }
})

test('a size beyond the limit is refused before it is waited for', async () => {
  const { near, far } = wire()
  await far.write(hex('00 00 03 e9'), { signal: NEVER })
  await assert.rejects(readPlist(near, options), code('wire.bad-frame'))
})

test('a frame that never ends is left by aborting', async () => {
  const { near, far } = wire()
  await far.write(hex('00 00 03 e8'), { signal: NEVER })
  const abort = new AbortController()
  const reading = readPlist(near, { bytesMax: 1000, signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(reading, /enough/)
})

test('an empty frame is an empty dictionary', async () => {
  assert.deepEqual(await readDict(wireOf(framed()), options), {})
})

test('what is no property list, no dictionary, or breaks off is an error', async () => {
  await assert.rejects(readDict(wireOf(framed(utf8('GET / HTTP/1.1'))), options), code('plist.malformed'))
  await assert.rejects(readDict(wireOf(framedPlist(['array'])), options), code('wire.bad-frame'))
  await assert.rejects(readDict(wireOf(framedPlist({ a: 1 }).subarray(0, 50)), options), code('wire.closed'))
})
