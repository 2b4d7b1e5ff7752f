import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { answering, framedPlist, wire, wireOf } from '../testing/wire.ts'
import { NOTIFICATIONS } from './notification-names.ts'
import { notificationProxyOver, openInsecureNotificationProxy } from './notification-proxy.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)
const relayed = (Name: Plist) => ({ Command: 'RelayNotification', Name })
const death = { Command: 'ProxyDeath' }

test('notifications end with ProxyDeath; messages that are none are skipped', async () => {
  const said = [relayed('a'), { Command: 'Unheard', Name: 'x' }, relayed(7), {}, relayed('b'), death]
  const proxy = notificationProxyOver(wireOf(...said.map(framedPlist)))
  assert.deepEqual(await Array.fromAsync(proxy.heard({ signal })), ['a', 'b'])
})

test('a notification of a gigabyte ends the connection before a byte of it is read', async () => {
  const proxy = notificationProxyOver(wireOf(Uint8Array.of(0x40, 0, 0, 0)))
  await assert.rejects(Array.fromAsync(proxy.heard({ signal })), code('wire.bad-frame'))
})

test('each name to observe is told to the phone by itself', async () => {
  const { near, far } = wire()
  const requests = answering(far, [], [], [])
  const proxy = notificationProxyOver(near)
  await proxy.observe(['a', NOTIFICATIONS.syncCancelRequest], { signal })
  await proxy.post('c', { signal })
  assert.deepEqual(
    (await requests).map(({ Command, Name }) => `${String(Command)} ${String(Name)}`),
    ['ObserveNotification a', 'ObserveNotification com.apple.itunes-client.syncCancelRequest', 'PostNotification c'],
  )
})

test('shutting down waits for ProxyDeath, past what is still relayed', async () => {
  const { near, far } = wire()
  const requests = answering(far, [relayed('late'), death])
  await notificationProxyOver(near).shutDown({ signal })
  assert.deepEqual({ ...(await requests)[0] }, { Command: 'Shutdown' })
})

test('a phone that hangs up at Shutdown has shut down', async () => {
  await notificationProxyOver(wireOf()).shutDown({ signal })
})

/** A phone that answers StartService so, without a session, and plays the service on port 50000. */
function phoneThatStarts(answer: PlistDict): Phone {
  return {
    udid: 'a'.repeat(40),
    transport: 'usb',
    clock: manualClock(),
    async dial(port) {
      const { near, far } = wire()
      if (port === 50_000) await far.write(framedPlist(relayed(NOTIFICATIONS.pairRequested)), { signal })
      else
        void answering(
          far,
          [{ Request: 'QueryType', Type: 'com.apple.mobile.lockdown' }],
          [{ Request: 'StartService', ...answer }],
        )
      return near
    },
    pairRecords: { async *candidates() {}, save: async () => undefined, adopt: async () => undefined },
  }
}

test('the insecure proxy is reached without pairing', async () => {
  await using proxy = await openInsecureNotificationProxy(phoneThatStarts({ Port: 50_000 }), { signal })
  for await (const name of proxy.heard({ signal })) {
    assert.equal(name, 'com.apple.mobile.lockdown.request_pair')
    break
  }
})

test('an insecure proxy that is refused, or not insecure, is an error', async () => {
  const open = (answer: PlistDict) => openInsecureNotificationProxy(phoneThatStarts(answer), { signal })
  await assert.rejects(open({ Error: 'InvalidService' }), code('device.service-refused'))
  await assert.rejects(open({ Port: 50_000, EnableServiceSSL: true }), code('wire.bad-frame'))
  await assert.rejects(open({}), code('wire.bad-frame'))
})
