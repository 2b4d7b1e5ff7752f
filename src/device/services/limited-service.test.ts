import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { NEVER } from '../../base/abort.ts'
import { utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { wire } from '../testing/wire.ts'
import { limitedChannel } from './limited-service.ts'

const signal = NEVER

function limited() {
  const { near, far } = wire()
  const clock = manualClock()
  return { channel: limitedChannel(near, { who: 'The service', ms: 60_000, clock }), far, clock }
}

test('a service that does not answer is left when its time is over', async () => {
  const { channel, clock } = limited()
  const reading = channel.readExactly(4, { signal })
  while (clock.sleepers === 0) await setImmediate()
  clock.pass(60_000)
  const late = (error: unknown) =>
    isAppError(error, 'device.not-answering') && /The service .* 60 s/.test(error.message)
  await assert.rejects(reading, late)
  await assert.rejects(channel.readExactly(4, { signal }), (error) => isAppError(error, 'wire.closed'))
})

test('the time starts anew with every wait, and nothing sleeps on', async () => {
  const { channel, clock, far } = limited()
  for (const text of ['ab', 'cd']) {
    const reading = channel.readExactly(2, { signal })
    clock.pass(59_000)
    await far.write(utf8(text), { signal })
    assert.equal(Buffer.from(await reading).toString(), text)
  }
  await channel.write(utf8('x'), { signal })
  assert.equal(Buffer.from((await far.readSome(9, { signal }))!).toString(), 'x')
  assert.equal(clock.sleepers, 0)
})

test('the caller can give up earlier', async () => {
  const { channel } = limited()
  const abort = new AbortController()
  const reading = channel.readSome(4, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(reading, /enough/)
})
