import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { settle } from '../testing/settle.ts'
import { stoppedClock } from '../testing/stopped-clock.ts'
import type { LinkFault } from './fault.ts'
import { Faults } from './faults.ts'

const signal = NEVER
const service = 'a.service'
const isClosed = (error: unknown) => isAppError(error, 'wire.closed')

function connect(faults: Faults): { phone: ByteChannel; host: ByteChannel } {
  const [near, far] = duplexPair()
  return { phone: faults.attachTo(openChannel(near), { service, stream: near }), host: openChannel(far) }
}

function openWorld(...planned: readonly LinkFault[]) {
  const clock = stoppedClock()
  const done: string[] = []
  const faults = new Faults({ clock, phone: { lock: () => done.push('lock'), restart: () => done.push('restart') } })
  faults.add(...planned)
  return { clock, done, faults, ...connect(faults) }
}

const kinds = (faults: Faults) => faults.fired.map(({ fault }) => fault.do)

for (const afterBytes of [0, 1, 4, 7, 8]) {
  test(`a cut after ${afterBytes} bytes of the phone lets just these through`, async () => {
    const { phone, host, faults } = openWorld({ do: 'cut', service, afterBytes })
    await assert.rejects(phone.write([Buffer.from('abcd'), Buffer.from('efghij')], { signal }), isClosed)
    assert.equal((await host.readExactly(afterBytes, { signal })).toString(), 'abcdefgh'.slice(0, afterBytes))
    assert.equal(await host.readSome(1, { signal }), undefined)
    assert.deepEqual(kinds(faults), ['cut'])
  })
}

test('a fault at the end of what was sent happens with it, and does not wait for more', async () => {
  const { phone, done } = openWorld({ do: 'restart', service, afterBytes: 4 })
  await phone.write(Buffer.from('abcd'), { signal })
  assert.deepEqual(done, ['restart'])
})

test('a cut across what the host sends loses all that was being read', async () => {
  const { phone, host, faults } = openWorld({ do: 'cut', service, from: 'host', afterBytes: 6 })
  await host.write(Buffer.from('abcdefgh'), { signal })
  assert.equal((await phone.readExactly(4, { signal })).toString(), 'abcd')
  await assert.rejects(phone.readExactly(4, { signal }), isClosed)
  assert.deepEqual(kinds(faults), ['cut'])
})

test('a cut at the third message lets two through', async () => {
  const { phone, host } = openWorld({ do: 'cut', service, atMessage: 3 })
  const frame = Buffer.from('000000026869', 'hex')
  const sent = phone.write(Buffer.concat([frame, frame, frame, frame]), { signal })
  await assert.rejects(sent, isClosed)
  assert.equal((await host.readExactly(12, { signal })).length, 12)
  assert.equal(await host.readSome(1, { signal }), undefined)
})

test('a link that stalls goes on after its time', async () => {
  const { phone, host, clock } = openWorld({ do: 'stall', service, afterBytes: 2, ms: 40_000 })
  const sent = phone.write(Buffer.from('abcd'), { signal })
  assert.equal((await host.readExactly(2, { signal })).toString(), 'ab')
  const rest = host.readExactly(2, { signal })
  await settle()
  assert.equal(await Promise.race([rest, 'nothing yet']), 'nothing yet')
  clock.pass(40_000)
  assert.equal((await rest).toString(), 'cd')
  await sent
})

test('a stalled link ends with the signal', async () => {
  const { phone } = openWorld({ do: 'stall', service, ms: 40_000 })
  const aborting = new AbortController()
  const sent = assert.rejects(phone.write(Buffer.from('abcd'), { signal: aborting.signal }), /enough/)
  aborting.abort(new Error('enough'))
  await sent
})

test('a slow link lets a second pass with every second of bytes', async () => {
  const { phone, host, clock } = openWorld({ do: 'slow', service, bytesPerSecond: 100 })
  const sent = phone.write(Buffer.alloc(250), { signal })
  for (const bytes of [100, 100, 50]) {
    await host.readExactly(bytes, { signal })
    await settle()
    clock.pass(1000)
  }
  await sent
})

test('the phone is locked, and restarted, at the byte that was told', async () => {
  const { phone, host, done } = openWorld(
    { do: 'restart', service, afterBytes: 4 },
    { do: 'lock', service, afterBytes: 2 },
  )
  await phone.write(Buffer.from('abc'), { signal })
  assert.deepEqual(done, ['lock'])
  await phone.write(Buffer.from('def'), { signal })
  assert.deepEqual(done, ['lock', 'restart'])
  assert.equal((await host.readExactly(6, { signal })).toString(), 'abcdef')
})

test('a fault happens on as many connections as told, and waits for the next ones until then', async () => {
  const { faults, ...first } = openWorld({ do: 'lock', service, afterBytes: 3, times: 2 })
  const second = connect(faults)
  const third = connect(faults)
  for (const { phone } of [first, first, second, third]) await phone.write(Buffer.from('abcd'), { signal })
  assert.deepEqual(kinds(faults), ['lock', 'lock'])
  assert.deepEqual(faults.waiting, [])
})

test('another service, and a connection that ends too early, meet no fault', async () => {
  const { faults, phone } = openWorld(
    { do: 'lock', service: 'another', afterBytes: 0 },
    { do: 'lock', service, afterBytes: 9 },
  )
  await phone.write(Buffer.from('abcd'), { signal })
  assert.deepEqual(faults.fired, [])
  assert.equal(faults.waiting.length, 2)
})

test('a fault of the third file happens when it is asked the third time, and every third time after', () => {
  const { faults } = openWorld()
  faults.add({ do: 'send-twice', file: 3, times: 2 })
  const taken = Array.from({ length: 9 }, () => faults.take('send-twice') !== undefined)
  assert.deepEqual(taken, [false, false, true, false, false, true, false, false, false])
  assert.equal(faults.take('mischief'), undefined)
})
