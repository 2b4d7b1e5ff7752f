import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { NEVER } from '../../../base/abort.ts'
import { openChannel } from '../../../base/channel.ts'
import { newEmptyPhone } from '../../testing/restoring.ts'
import { DeviceLink } from '../device-link.ts'
import { restartSoon } from './restart.ts'

function connect() {
  const [left, right] = duplexPair()
  return { link: new DeviceLink(openChannel(left)), left, right }
}

test('the phone restarts when the host has gone', async () => {
  const phone = newEmptyPhone()
  const { link, right } = connect()
  const restarting = restartSoon(link, phone, { signal: NEVER })
  await setImmediate()
  assert.equal(phone.restarts, 0)
  right.end()
  await restarting
  assert.equal(phone.restarts, 1)
})

test('the phone restarts although the host stays, after five seconds', async () => {
  const phone = newEmptyPhone()
  const { link, left } = connect()
  const restarting = restartSoon(link, phone, { signal: NEVER })
  phone.clock.pass(4_999)
  await setImmediate()
  assert.equal(phone.restarts, 0)
  phone.clock.pass(1)
  await restarting
  assert.equal(phone.restarts, 1)
  left.destroy()
})

test('a phone that is switched off meanwhile does not restart', async () => {
  const phone = newEmptyPhone()
  const { link } = connect()
  const off = new AbortController()
  const restarting = restartSoon(link, phone, { signal: off.signal })
  off.abort(new Error('off'))
  await assert.rejects(restarting, /off/)
  assert.equal(phone.restarts, 0)
})
