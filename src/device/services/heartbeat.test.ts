import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { NEVER, orAbort } from '../../base/abort.ts'
import { wireClosed } from '../../base/channel.ts'
import { systemClock } from '../../base/clock.ts'
import { type AppError, isAppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { makePairing, openFakePhone } from '../testing/fake-phone.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { answering, framedPlist, wire, wireOf } from '../testing/wire.ts'
import { dialWifi } from '../wifi/dial.ts'
import { answerHeartbeat, whileAwake } from './heartbeat.ts'

const signal = NEVER
const clock = systemClock
const marco = { Command: 'Marco', Interval: 10, SupportsSleepyTime: true }

test('every Marco is answered by a Polo, until the phone says that it goes to sleep', async () => {
  const { near, far } = wire()
  await far.write(framedPlist(marco), { signal })
  const beating = answerHeartbeat(near, { clock, signal })
  const polos = await answering(far, [marco], [{ Command: 'SleepyTime' }])
  assert.equal((await beating).code, 'device.asleep')
  assert.deepEqual(
    polos.map(({ Command }) => Command),
    ['Polo', 'Polo'],
  )
})

test('a phone that hangs up, or speaks nonsense, has ended its heartbeat', async () => {
  for (const bytes of [framedPlist({ Command: 'Other' }), Uint8Array.of(0xff, 0xff, 0xff, 0xff)]) {
    assert.equal((await answerHeartbeat(wireOf(bytes), { clock, signal })).code, 'device.heartbeat-lost')
  }
})

for (const [interval, patienceMs] of [
  [10, 40_000],
  [1, 31_000],
  [-5, 40_000],
  [1e9, 150_000],
] as const) {
  test(`a phone that announces ${interval} s may be silent for ${patienceMs / 1000} s`, async () => {
    const stopped = manualClock()
    const { near, far } = wire()
    const beating = answerHeartbeat(near, { clock: stopped, signal })
    let end: AppError | undefined
    void beating.then((reason) => {
      end = reason
    })
    await far.write(framedPlist({ ...marco, Interval: interval }), { signal })
    await far.readExactly(4, { signal })
    while (stopped.sleepers === 0) await setImmediate()
    stopped.pass(patienceMs - 1)
    for (let turns = 0; turns < 5; turns++) await setImmediate()
    assert.equal(end, undefined)
    stopped.pass(1)
    assert.equal((await beating).code, 'device.heartbeat-lost')
  })
}

const { record, identity } = await makePairing('HOST')

/** A phone whose services echo: what is written to it comes back. */
async function openPhone(transport: Phone['transport'], answers: { readonly [request: string]: PlistDict } = {}) {
  const fake = await openFakePhone({ udid: 'a'.repeat(40), identity, answers })
  const phone: Phone = {
    udid: 'a'.repeat(40),
    transport,
    clock,
    dial: dialWifi({ host: '127.0.0.1', port: fake.port }, clock),
    pairRecords: {
      async *candidates() {
        yield { record, isOurs: true }
      },
      save: async () => undefined,
      adopt: async () => undefined,
    },
  }
  return { fake, phone, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() }
}

test('a job that waits for a phone that has left is aborted with the reason', async () => {
  await using world = await openPhone('wifi')
  const job = whileAwake(world.phone, { signal }, async (signal) => {
    await world.fake[Symbol.asyncDispose]()
    await orAbort(new Promise(() => undefined), signal)
  })
  await assert.rejects(job, (error) => isAppError(error, 'device.heartbeat-lost'))
})

test('a job whose own connection is the first to end is told why the phone left', async () => {
  await using world = await openPhone('wifi')
  const job = whileAwake(world.phone, { signal }, async () => {
    const left = setImmediate().then(() => world.fake[Symbol.asyncDispose]())
    left.catch(() => undefined)
    throw wireClosed('The connection ended')
  })
  await assert.rejects(job, (error) => isAppError(error, 'device.heartbeat-lost'))
})

test('a job that is done by the time that the phone leaves has succeeded', async () => {
  await using world = await openPhone('wifi')
  const done = await whileAwake(world.phone, { signal }, async (signal) => {
    await world.fake[Symbol.asyncDispose]()
    await once(signal, 'abort')
    return 'done'
  })
  assert.equal(done, 'done')
})

test('what fails for another reason fails at once, and by cable no heartbeat is kept', async () => {
  await using network = await openPhone('wifi')
  const failure = new Error('of the job')
  await assert.rejects(
    whileAwake(network.phone, { signal }, () => Promise.reject(failure)),
    failure,
  )
  await using cable = await openPhone('usb')
  assert.equal(await whileAwake(cable.phone, { signal }, async () => 'done'), 'done')
  assert.deepEqual(cable.fake.asked, [])
})
