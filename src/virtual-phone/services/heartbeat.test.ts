import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hear, tell } from '../testing/host.ts'
import { connectService, createServicePhone } from '../testing/service-host.ts'
import { settle } from '../testing/settle.ts'
import { serveHeartbeat } from './heartbeat.ts'

const MARCO = { Command: 'Marco', Interval: 10, SupportsSleepyTime: true }

/** A phone that counts how often the host of a heartbeat was cut. */
function createPhone() {
  const { phone, clock } = createServicePhone()
  const cuts: string[] = []
  const link = { beats: () => undefined, cutHost: () => cuts.push('cut') }
  return { phone: { ...phone, link }, clock, cuts }
}

test('heartbeat says Marco at once, and every ten seconds to a host that says Polo', async () => {
  const { phone, clock, cuts } = createPhone()
  await using heartbeat = connectService(serveHeartbeat, phone)
  for (let count = 0; count < 10; count++) {
    assert.deepEqual({ ...(await hear(heartbeat.channel)) }, MARCO)
    await tell(heartbeat.channel, { Command: 'Polo' })
    await settle()
    clock.pass(10_000)
  }
  assert.deepEqual(cuts, [])
})

test('a host is cut when it missed two Marcos, not before', async () => {
  const { phone, clock, cuts } = createPhone()
  await using heartbeat = connectService(serveHeartbeat, phone)
  await hear(heartbeat.channel)
  clock.pass(10_000)
  await hear(heartbeat.channel)
  clock.pass(9_999)
  await settle()
  assert.deepEqual(cuts, [])
  clock.pass(1)
  await settle()
  assert.deepEqual(cuts, ['cut'])
})

test('one Polo is enough to be forgiven, and what is no Polo is not', async () => {
  const { phone, clock, cuts } = createPhone()
  await using heartbeat = connectService(serveHeartbeat, phone)
  for (const [Command, expected] of [
    ['Hello', 0],
    ['Polo', 0],
    ['Hello', 0],
    ['Hello', 1],
  ] as const) {
    await hear(heartbeat.channel)
    await tell(heartbeat.channel, { Command })
    await settle()
    clock.pass(10_000)
    await settle()
    assert.equal(cuts.length, expected)
  }
})

test('SleepyTime is the last that a host hears of a phone that goes to sleep', async () => {
  const { phone, cuts } = createPhone()
  const heartbeat = connectService(serveHeartbeat, phone)
  await hear(heartbeat.channel)
  phone.power.tell({ what: 'restart', displayPass: false, displayFail: false })
  phone.power.tell({ what: 'sleep', displayPass: false, displayFail: false })
  assert.deepEqual({ ...(await hear(heartbeat.channel)) }, { Command: 'SleepyTime' })
  await heartbeat.served
  assert.deepEqual(cuts, ['cut'])
})
