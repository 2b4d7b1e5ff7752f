import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { answering, framedPlist, wire, wireOf } from '../testing/wire.ts'
import { readBattery, readRegistry } from './diagnostics.ts'
import { answerHeartbeat } from './heartbeat.ts'
import { browseApps } from './installation-proxy.ts'
import { notificationProxyOver } from './notification-proxy.ts'
import { readIcon } from './springboard.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)
const browse = { type: 'User', attributes: ['CFBundleIdentifier'], signal } as const

function serviceThat(...answers: readonly (readonly Plist[])[]) {
  const { near, far } = wire()
  return { near, requests: answering(far, ...answers) }
}

/** The stream of docs/protocol/small-services.md: batches, then Complete alone. */
test('apps come in batches', async () => {
  const app = (id: string) => ({ CFBundleIdentifier: id })
  const { near, requests } = serviceThat([
    { Status: 'BrowsingApplications', Total: 3, CurrentIndex: 0, CurrentAmount: 2, CurrentList: [app('a'), app('b')] },
    { Status: 'BrowsingApplications', CurrentIndex: 2, CurrentAmount: 1, CurrentList: [app('c'), 'nonsense'] },
    { Status: 'Complete' },
  ])
  const apps = await browseApps(near, browse)
  assert.deepEqual(
    apps.map(({ CFBundleIdentifier }) => CFBundleIdentifier),
    ['a', 'b', 'c'],
  )
  assert.equal((await requests)[0]?.Command, 'Browse')
})

test('a list of apps that never ends is left', async () => {
  const batch = { Status: 'BrowsingApplications', CurrentList: Array.from({ length: 5001 }, () => ({})) }
  const { near } = serviceThat([batch, batch, batch, batch])
  await assert.rejects(browseApps(near, browse), code('wire.bad-frame'))
})

test('a batch of a hundred thousand apps is refused, not swallowed', async () => {
  const huge = Array.from({ length: 150_000 }, () => ({}))
  const channel = wireOf(framedPlist({ Status: 'BrowsingApplications', CurrentList: huge }))
  await assert.rejects(browseApps(channel, browse), code('wire.bad-frame'))
})

test('a refused list of apps says why', async () => {
  const { near } = serviceThat([{ Error: 'APIInternalError', ErrorDescription: 'later' }])
  const saw = (error: unknown) =>
    isAppError(error, 'device.app-list-refused') && /APIInternalError, later/.test(error.message)
  await assert.rejects(browseApps(near, browse), saw)
})

test('an app without an icon has none', async () => {
  const { near, requests } = serviceThat([{ error: 'no such app' }])
  assert.equal(await readIcon(near, 'com.example.app', { signal }), undefined)
  assert.deepEqual({ ...(await requests)[0] }, { command: 'getIconPNGData', bundleId: 'com.example.app' })
})

test('notifications end with ProxyDeath; messages that are none are skipped', async () => {
  const relayed = (Name: string) => framedPlist({ Command: 'RelayNotification', Name })
  const odd = framedPlist({ Command: 'Unheard', Name: 'x' })
  const proxy = notificationProxyOver(wireOf(relayed('a'), odd, relayed('b'), framedPlist({ Command: 'ProxyDeath' })))
  assert.deepEqual(await Array.fromAsync(proxy.heard({ signal })), ['a', 'b'])
})

test('each name to observe is told to the phone by itself', async () => {
  const { near, requests } = serviceThat([], [], [])
  const proxy = notificationProxyOver(near)
  await proxy.observe(['a', 'b'], { signal })
  await proxy.post('c', { signal })
  assert.deepEqual(
    (await requests).map(({ Command, Name }) => `${String(Command)} ${String(Name)}`),
    ['ObserveNotification a', 'ObserveNotification b', 'PostNotification c'],
  )
})

test('every Marco is answered by a Polo, until the phone goes to sleep', async () => {
  const { near, far } = wire()
  const marco = { Command: 'Marco', Interval: 10, SupportsSleepyTime: true }
  await far.write(framedPlist(marco), { signal })
  const beating = answerHeartbeat(near, { signal })
  const polos = await answering(far, [marco], [{ Command: 'SleepyTime' }])
  await beating
  assert.deepEqual(
    polos.map(({ Command }) => Command),
    ['Polo', 'Polo'],
  )
})

test('a heartbeat ends quietly when the phone hangs up', async () => {
  await answerHeartbeat(wireOf(framedPlist({ Command: 'Other' })), { signal })
})

test('a battery is read from what its driver gives; 2^64 less is a discharge', async () => {
  const IORegistry = {
    CurrentCapacity: 81,
    IsCharging: false,
    ExternalConnected: false,
    InstantAmperage: 2n ** 64n - 450n,
    DesignCapacity: 3000,
    AppleRawMaxCapacity: 2700,
    Temperature: 3050,
  }
  const { near, requests } = serviceThat([{ Status: 'Success', Diagnostics: { IORegistry } }])
  assert.deepEqual(await readBattery(near, { signal }), {
    percent: 81,
    isCharging: false,
    isOnPower: false,
    health: 0.9,
    celsius: 30.5,
    milliamperes: -450,
  })
  assert.equal((await requests)[0]?.EntryClass, 'IOPMPowerSource')
})

test('no entry in the registry is an empty one, in the old and the new form', async () => {
  const { near } = serviceThat([{ Status: 'Success', Diagnostics: { IORegistry: {} } }], [{ Status: 'Success' }])
  assert.deepEqual({ ...(await readRegistry(near, { EntryName: 'x' }, { signal })) }, {})
  assert.deepEqual(await readBattery(near, { signal }), {})
})

test('refused diagnostics say so', async () => {
  const { near } = serviceThat([{ Status: 'UnknownRequest' }])
  await assert.rejects(readBattery(near, { signal }), code('device.diagnostics-refused'))
})
