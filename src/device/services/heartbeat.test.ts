import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import type { AppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { makePairing, openFakePhone } from '../testing/fake-phone.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { answering, framedPlist, wire, wireOf } from '../testing/wire.ts'
import { dialWifi } from '../wifi/dial.ts'
import { answerHeartbeat, keepAlive } from './heartbeat.ts'

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

test('a job over Wi-Fi is told when the heartbeat ends by itself, and not when the job ends it', async () => {
  await using lost = await openPhone('wifi')
  const { promise, resolve } = Promise.withResolvers<AppError>()
  await using _kept = await keepAlive(lost.phone, { onEnd: resolve, signal })
  await lost.fake[Symbol.asyncDispose]()
  assert.equal((await promise).code, 'device.heartbeat-lost')

  await using good = await openPhone('wifi')
  const ends: AppError[] = []
  const kept = await keepAlive(good.phone, { onEnd: (reason) => ends.push(reason), signal })
  await kept[Symbol.asyncDispose]()
  assert.deepEqual(ends, [])
})

test('by cable no heartbeat is kept', async () => {
  await using world = await openPhone('usb')
  await using _kept = await keepAlive(world.phone, { signal })
  assert.deepEqual(world.fake.asked, [])
})
