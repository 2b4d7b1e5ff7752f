import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { NEVER } from '../../base/abort.ts'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { arrayOf, bytesOf, dictOf, type Plist, type PlistDict, parsePlist, textOf } from '../../plist/index.ts'
import { ask, hear, tell } from '../testing/host.ts'
import { connectService, createServicePhone } from '../testing/service-host.ts'
import { settle } from '../testing/settle.ts'
import { serveDiagnosticsRelay } from './diagnostics-relay.ts'
import { serveInstallationProxy } from './installation-proxy.ts'
import { completeLine } from './log-line.ts'
import { serveNotificationProxy } from './notification-proxy.ts'
import { SERVICES } from './services.ts'
import { serveSpringboard } from './springboard.ts'
import { encodeLogLine, serveSyslogRelay } from './syslog-relay.ts'

test('notification_proxy relays what is observed, whoever posts it, and nothing else', async () => {
  const { phone } = createServicePhone()
  await using observer = connectService(serveNotificationProxy, phone)
  await using poster = connectService(serveNotificationProxy, phone)
  await tell(observer.channel, { Command: 'ObserveNotification', Name: 'a' })
  await tell(observer.channel, { Command: 'ObserveNotification', Name: 'end' })
  await settle()
  phone.notifications.tell('not observed')
  phone.notifications.tell('a')
  await tell(poster.channel, { Command: 'PostNotification', Name: 'end' })
  assert.deepEqual({ ...(await hear(observer.channel)) }, { Command: 'RelayNotification', Name: 'a' })
  assert.deepEqual({ ...(await hear(observer.channel)) }, { Command: 'RelayNotification', Name: 'end' })
})

test('notification_proxy says ProxyDeath and closes when it is shut down', async () => {
  await using np = connectService(serveNotificationProxy, createServicePhone().phone)
  assert.deepEqual({ ...(await ask(np.channel, { Command: 'Shutdown' })) }, { Command: 'ProxyDeath' })
  assert.equal(await np.channel.readSome(1, { signal: NEVER }), undefined)
})

test('notification_proxy ignores names that are missing or endless', async () => {
  const { phone } = createServicePhone()
  const heard: string[] = []
  phone.notifications.add((name) => heard.push(name))
  await using np = connectService(serveNotificationProxy, phone)
  for (const Name of ['', 'x'.repeat(1001), 'good']) await tell(np.channel, { Command: 'PostNotification', Name })
  await tell(np.channel, { Command: 'PostNotification' })
  await ask(np.channel, { Command: 'Shutdown' })
  assert.deepEqual(heard, ['good'])
})

test('notification_proxy disconnects a host that observes but does not read', async () => {
  const { phone } = createServicePhone()
  const np = connectService(serveNotificationProxy, phone)
  await tell(np.channel, { Command: 'ObserveNotification', Name: 'a' })
  await settle()
  for (let count = 0; count < 5000; count++) phone.notifications.tell('a')
  await assert.rejects(np.served, (error) => isAppError(error, 'wire.closed'))
})

async function askDiagnostics(request: PlistDict, phone = createServicePhone().phone): Promise<PlistDict> {
  await using relay = connectService(serveDiagnosticsRelay, phone)
  return await ask(relay.channel, request)
}

test('diagnostics_relay tells all parts, or one', async () => {
  const all = dictOf((await askDiagnostics({ Request: 'All' })).Diagnostics)
  assert.deepEqual(Object.keys(all ?? {}), ['GasGauge', 'HDMI', 'NAND', 'WiFi'])
  const one = dictOf((await askDiagnostics({ Request: 'GasGauge' })).Diagnostics)
  assert.equal(dictOf(one?.GasGauge)?.Status, 'Success')
})

for (const query of [{ EntryClass: 'IOPMPowerSource' }, { EntryName: 'AppleSmartBattery', EntryClass: '' }]) {
  test(`diagnostics_relay finds the battery by ${Object.keys(query)[0]}, as lockdownd tells it`, async () => {
    const { phone } = createServicePhone()
    phone.values.set('com.apple.mobile.battery', 'BatteryCurrentCapacity', 17)
    phone.values.set('com.apple.mobile.battery', 'BatteryIsCharging', false)
    await using relay = connectService(serveDiagnosticsRelay, phone)
    const answer = await ask(relay.channel, { Request: 'IORegistry', ...query })
    const battery = dictOf(dictOf(answer.Diagnostics)?.IORegistry)
    assert.equal(battery?.CurrentCapacity, 17)
    assert.equal(battery?.IsCharging, false)
    assert.equal(battery?.Amperage, -320)
  })
}

test('diagnostics_relay answers a bare Success for what the registry does not have', async () => {
  assert.deepEqual(
    { ...(await askDiagnostics({ Request: 'IORegistry', EntryName: 'Nothing' })) },
    { Status: 'Success' },
  )
})

for (const [ios, passcode, expected] of [
  ['17.3', undefined, { Status: 'Success', PasswordConfigured: false }],
  ['17.3', '1234', { Status: 'Success', PasswordConfigured: true }],
  ['17.4', '1234', { Status: 'MobileGestaltDeprecated' }],
  ['18.0', undefined, { Status: 'MobileGestaltDeprecated' }],
] as const) {
  test(`MobileGestalt of iOS ${ios} with ${passcode ? 'a' : 'no'} passcode answers ${JSON.stringify(expected)}`, async () => {
    const { phone } = createServicePhone({ ios })
    phone.condition.set({ passcode })
    const request = { Request: 'MobileGestalt', MobileGestaltKeys: ['PasswordConfigured', 'X'] }
    const answer = await askDiagnostics(request, phone)
    assert.equal(answer.Status, 'Success')
    assert.deepEqual({ ...dictOf(dictOf(answer.Diagnostics)?.MobileGestalt) }, expected)
  })
}

test('diagnostics_relay does not know every request', async () => {
  assert.equal((await askDiagnostics({ Request: 'MakeCoffee' })).Status, 'UnknownRequest')
})

test('the phone restarts at once, or when the host has gone if it wished so', async () => {
  const { phone, power } = createServicePhone()
  const now = connectService(serveDiagnosticsRelay, phone)
  await ask(now.channel, { Request: 'Restart' })
  await now.served
  assert.deepEqual(power, [{ what: 'restart', displayPass: false, displayFail: false }])
  const later = connectService(serveDiagnosticsRelay, phone)
  await ask(later.channel, { Request: 'Shutdown', WaitForDisconnect: true, DisplayPass: true })
  assert.equal(power.length, 1)
  assert.equal((await ask(later.channel, { Request: 'Goodbye' })).Status, 'Success')
  await later.served
  assert.deepEqual(power.slice(1), [{ what: 'shutdown', displayPass: true, displayFail: false }])
})

async function browse(options: PlistDict): Promise<{ apps: readonly PlistDict[]; batches: number }> {
  await using proxy = connectService(serveInstallationProxy, createServicePhone().phone)
  await tell(proxy.channel, { Command: 'Browse', ClientOptions: options })
  const apps: PlistDict[] = []
  for (let batches = 0; ; batches++) {
    const answer = await hear(proxy.channel)
    if (answer.Status === 'Complete') return { apps, batches }
    assert.equal(answer.CurrentIndex, apps.length)
    apps.push(...(arrayOf(answer.CurrentList) ?? []).map((app) => dictOf(app)!))
    assert.equal(answer.CurrentAmount, apps.length - Number(answer.CurrentIndex))
  }
}

test('installation_proxy lists the apps of the contents, with what was asked for and no more', async () => {
  const { phone } = createServicePhone()
  const { apps } = await browse({
    ApplicationType: 'User',
    ReturnAttributes: ['CFBundleIdentifier', 'ApplicationSINF', 'iTunesMetadata'],
  })
  const users = phone.contents.apps.filter((app) => app.category === 'User')
  assert.deepEqual(
    apps.map((app) => app.CFBundleIdentifier),
    users.map((app) => app.bundleId),
  )
  const metadata = dictOf(parsePlist(bytesOf(apps[0]?.iTunesMetadata)!))
  assert.equal(metadata?.softwareVersionBundleId, users[0]?.bundleId)
  assert.deepEqual(Object.keys(apps[0] ?? {}).sort(), ['ApplicationSINF', 'CFBundleIdentifier', 'iTunesMetadata'])
})

for (const [type, categories] of [
  ['User', ['User']],
  ['System', ['System']],
  ['Any', ['System', 'User']],
  ['Hidden', []],
] as const) {
  test(`installation_proxy knows which apps are ${type}`, async () => {
    const { apps } = await browse({ ApplicationType: type, ReturnAttributes: ['ApplicationType'] })
    assert.deepEqual([...new Set(apps.map((app) => app.ApplicationType))], categories)
  })
}

test('installation_proxy lists in several messages', async () => {
  const { apps, batches } = await browse({ ApplicationType: 'Any' })
  assert.equal(batches, Math.ceil(apps.length / 6))
  assert.ok(batches > 1)
})

test('installation_proxy keeps costly attributes back unless they are named', async () => {
  const { apps } = await browse({ ApplicationType: 'Any' })
  assert.ok(apps.length > 0)
  for (const app of apps) assert.equal(app.StaticDiskUsage ?? app.iTunesMetadata, undefined)
})

test('installation_proxy looks an app up in one message', async () => {
  const { phone } = createServicePhone()
  const { bundleId, staticBytes, dynamicBytes } = phone.contents.apps[0]!
  await using proxy = connectService(serveInstallationProxy, phone)
  const answer = await ask(proxy.channel, {
    Command: 'Lookup',
    ClientOptions: { BundleIDs: [bundleId, 'no.such'], ReturnAttributes: ['StaticDiskUsage', 'DynamicDiskUsage'] },
  })
  assert.equal(answer.Status, 'Complete')
  const sizes = dictOf(dictOf(answer.LookupResult)?.[bundleId])
  assert.deepEqual({ ...sizes }, { StaticDiskUsage: staticBytes, DynamicDiskUsage: dynamicBytes })
  assert.deepEqual(Object.keys(dictOf(answer.LookupResult) ?? {}), [bundleId])
})

test('installation_proxy installs nothing', async () => {
  await using proxy = connectService(serveInstallationProxy, createServicePhone().phone)
  assert.equal((await ask(proxy.channel, { Command: 'Install' })).Error, 'APIInternalError')
})

test('springboardservices has an icon for every app: a PNG whose pixels unpack', async () => {
  const { phone } = createServicePhone()
  await using springboard = connectService(serveSpringboard, phone)
  const bundleId = phone.contents.apps[0]!.bundleId
  const png = Buffer.from(bytesOf((await ask(springboard.channel, { command: 'getIconPNGData', bundleId })).pngData)!)
  assert.equal(png.subarray(0, 16).toString('hex'), '89504e470d0a1a0a0000000d49484452')
  const dataAt = png.indexOf('IDAT')
  const pixels = inflateSync(png.subarray(dataAt + 4, dataAt + 4 + png.readUInt32BE(dataAt - 4)))
  assert.equal(pixels.length, 120 * (1 + 3 * 120))
  const unknown = await ask(springboard.channel, { command: 'getIconPNGData', bundleId: 'no.such' })
  assert.equal(unknown.pngData, undefined)
})

test('springboardservices puts every app on the home screen, the dock first', async () => {
  const { phone } = createServicePhone()
  await using springboard = connectService(serveSpringboard, phone)
  await tell(springboard.channel, { command: 'getIconState', formatVersion: '2' })
  const size = Buffer.from(await springboard.channel.readExactly(4, { signal: NEVER })).readUInt32BE()
  const pages = arrayOf(parsePlist(await springboard.channel.readExactly(size, { signal: NEVER })))!
  assert.equal(arrayOf(pages[0])?.length, 4)
  const shown = pages
    .flatMap((page: Plist) => arrayOf(page) ?? [])
    .map((icon) => textOf(dictOf(icon)?.bundleIdentifier))
  assert.deepEqual(
    shown,
    phone.contents.apps.map((app) => app.bundleId),
  )
})

test('a log line has its date in columns, and all but ASCII escaped as vis does', () => {
  const nowMs = Date.UTC(2026, 10, 2, 3, 4, 5)
  const line = completeLine({ process: 'backupd', level: 'fault', text: 'Bär \\ \0\x1b\x7f\tok' }, { nowMs })
  assert.equal(
    fromUtf8(encodeLogLine(line, { hostName: 'iPhone' })),
    'Nov  2 03:04:05 iPhone backupd[66] <Critical>: B\\M-C\\M-$r \\\\ \\^@\\^[\\^?\tok\n\0',
  )
})

test('syslog_relay sends lines from the moment a host listens, and ignores what it says', async () => {
  const { phone } = createServicePhone()
  phone.values.set('', 'DeviceName', ' Ana’s iPhone ')
  await using relay = connectService(serveSyslogRelay, phone)
  await relay.channel.write(utf8('start'), { signal: NEVER })
  phone.log({ process: 'backupd', text: 'hello' })
  const expected = 'Nov  2 03:04:05 Ana-s-iPhone backupd[66] <Notice>: hello\n\0'
  const first = 'Nov  2 03:04:05 Ana-s-iPhone syslog_relay[203] <Notice>: a host reads the log\n\0'
  const heard = await relay.channel.readExactly(first.length + expected.length, { signal: NEVER })
  assert.equal(fromUtf8(heard), first + expected)
})

test('the log tells of a computer that comes to back up, and goes', async () => {
  const { phone } = createServicePhone()
  const lines: string[] = []
  phone.logLines.add(({ process, text }) => lines.push(`${process} ${text}`))
  const backup = connectService(SERVICES.get('com.apple.mobilebackup2')!.serve, phone)
  await hear(backup.channel).catch(() => undefined)
  await backup.channel[Symbol.asyncDispose]()
  await backup.served.catch(() => undefined)
  assert.deepEqual(lines, [
    'BackupAgent2 =agent= A computer has connected',
    'BackupAgent2 =agent= The computer has disconnected',
  ])
})
