import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { NEVER } from './abort.ts'
import { utf8 } from './bytes.ts'
import { openChannel } from './channel.ts'
import { isAppError } from './errors.ts'

const signal = NEVER

test('exact reads do not care how the bytes were cut', async () => {
  const [left, right] = duplexPair()
  const channel = openChannel(left)
  for (const byte of utf8('hello world')) right.write(Uint8Array.of(byte))
  assert.equal(Buffer.from(await channel.readExactly(5, { signal })).toString(), 'hello')
  assert.equal(Buffer.from(await channel.readExactly(6, { signal })).toString(), ' world')
  assert.equal((await channel.readExactly(0, { signal })).length, 0)
})

test('a read larger than the stream buffer arrives whole', async () => {
  const [left, right] = duplexPair()
  const sent = new Uint8Array(3_000_000).map((_, index) => index)
  right.end(sent)
  const received = await openChannel(left).readExactly(sent.length, { signal })
  assert.equal(Buffer.compare(received, sent), 0)
})

test('an end in the middle of a message says how much was missing', async () => {
  const [left, right] = duplexPair()
  right.end(utf8('abc'))
  const reading = openChannel(left).readExactly(4, { signal })
  await assert.rejects(reading, (error) => isAppError(error, 'wire.closed') && /3 of 4/.test(error.message))
})

test('readSome gives what is there, and undefined at the end', async () => {
  const [left, right] = duplexPair()
  right.end(utf8('abcdef'))
  const channel = openChannel(left)
  assert.equal(Buffer.from((await channel.readSome(4, { signal }))!).toString(), 'abcd')
  assert.equal(Buffer.from((await channel.readSome(4, { signal }))!).toString(), 'ef')
  assert.equal(await channel.readSome(4, { signal }), undefined)
})

test('aborting a wait destroys the stream and rejects with the reason', async () => {
  const [left] = duplexPair()
  const abort = new AbortController()
  const reading = openChannel(left).readExactly(1, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(reading, /enough/)
  assert.equal(left.destroyed, true)
})

test('a destroyed stream ends a waiting read and refuses a write', async () => {
  const [left] = duplexPair()
  const channel = openChannel(left)
  const reading = channel.readExactly(1, { signal })
  left.destroy(new Error('pulled'))
  await assert.rejects(reading, (error) => isAppError(error, 'wire.closed'))
  await assert.rejects(channel.write(utf8('x'), { signal }), (error) => isAppError(error, 'wire.closed'))
})

test('a write waits until the other end reads', async () => {
  const [left, right] = duplexPair()
  let written = false
  const writing = openChannel(left)
    .write(new Uint8Array(1 << 20), { signal })
    .then(() => {
      written = true
    })
  const channel = openChannel(right)
  assert.equal(written, false)
  await channel.readExactly(1 << 20, { signal })
  await writing
  assert.equal(written, true)
})

test('detach gives back the bytes that nobody has read', async () => {
  const [left, right] = duplexPair()
  const channel = openChannel(left)
  right.write(utf8('abcdef'))
  await channel.readExactly(2, { signal })
  const again = openChannel(channel.detach())
  assert.equal(Buffer.from(await again.readExactly(4, { signal })).toString(), 'cdef')
})
