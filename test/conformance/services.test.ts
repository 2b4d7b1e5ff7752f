import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { isAppError } from '../../src/base/errors.ts'
import type { LogFilter, LogLine } from '../../src/device/index.ts'
import {
  AFC_MODE,
  findPhone,
  installedApps,
  listCrashReports,
  lookUpApps,
  NOTIFICATIONS,
  OS_TRACE_RELAY,
  openAfc,
  openCrashReports,
  openDiagnostics,
  openInsecureNotificationProxy,
  openInstallationProxy,
  openNotificationProxy,
  openPhoneLog,
  openService,
  openSpringboard,
  pairAndWait,
  pairRecordFolder,
  parseMuxAddress,
  readBattery,
  readBuid,
  readDiagnostics,
  readGestalt,
  readHomeScreen,
  readIcon,
  readLogArchive,
  readProcesses,
  readRegistry,
  restartPhone,
  sayGoodbye,
  walkFolder,
} from '../../src/device/index.ts'
import { SYSLOG_RELAY, syslogLines } from '../../src/device/services/syslog-relay.ts'
import type { VirtualPhoneOptions } from '../../src/virtual-phone/index.ts'
import { openCable, openMuxServer, openSeededContents, openVirtualPhone } from '../../src/virtual-phone/index.ts'

/** Our clients of the small services against the virtual phone's, which are written apart. */

const signal = NEVER
const clock = systemClock
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

async function openPaired(options: Partial<VirtualPhoneOptions> = {}) {
  await using opened = new AsyncDisposableStack()
  const contents = openSeededContents({ seed: 1, files: 20, bytes: 200_000, ios: '18.5', clock })
  const virtual = opened.use(await openVirtualPhone({ seed: 1, contents, clock, ...options }))
  const server = opened.use(await openMuxServer({ phones: [virtual], listen: { host: '127.0.0.1', port: 0 }, signal }))
  opened.use(openCable(virtual, server))
  const folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-services-')))
  const mux = { address: parseMuxAddress(server.address), clock }
  const phone = await findPhone(mux, virtual.udid, { store: pairRecordFolder(folder.path), signal })
  await pairAndWait(phone, { systemBuid: await readBuid(mux, { signal }), signal })
  const rest = opened.move()
  return { virtual, mux, phone, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

/** Paired once, for tests that leave it as it was. */
const { virtual, mux, phone, ...world } = await openPaired()
after(() => world[Symbol.asyncDispose]())

test('apps come with their sizes, and can be looked up', async () => {
  await using proxy = await openInstallationProxy(phone, { signal })
  const apps = await Array.fromAsync(installedApps(proxy, { type: 'User', withSizes: true, signal }))
  const known = virtual.contents.apps.filter(({ category }) => category === 'User')
  assert.deepEqual(
    apps.map(({ bundleId, name, version, appBytes, dataBytes }) => ({ bundleId, name, version, appBytes, dataBytes })),
    known.map(({ bundleId, name, version, staticBytes, dynamicBytes }) => {
      return { bundleId, name, version, appBytes: staticBytes, dataBytes: dynamicBytes }
    }),
  )
  const [first] = known
  const bundleIds = [first!.bundleId, 'com.example.nothing']
  const found = await lookUpApps(proxy, { bundleIds, attributes: ['CFBundleName'], signal })
  assert.deepEqual([...found.keys()], [first!.bundleId])
})

test('the home screen has the apps, and each of them an icon', async () => {
  await using springboard = await openSpringboard(phone, { signal })
  const screen = await readHomeScreen(springboard, { signal })
  const items = [screen!.dock, ...screen!.pages].flat()
  const bundleIds = items.flatMap((item) => (item.kind === 'app' ? [item.bundleId] : []))
  assert.deepEqual(bundleIds.toSorted(), virtual.contents.apps.map(({ bundleId }) => bundleId).toSorted())
  const icon = await readIcon(springboard, bundleIds[0]!, { signal })
  assert.equal(Buffer.from(icon!.subarray(1, 4)).toString(), 'PNG')
  assert.equal(await readIcon(springboard, 'com.example.nothing', { signal }), undefined)
})

test('diagnostics tell of the battery and its charger, of parts, and of nothing where there is nothing', async () => {
  await using relay = await openDiagnostics(phone, { signal })
  const battery = await readBattery(relay, { signal })
  assert.equal(battery.percent, virtual.condition.state.batteryPercent)
  assert.equal(battery.isOnPower, true)
  assert.ok(battery.cycles! > 0 && battery.health! > 0.5 && battery.health! < 1.1)
  assert.ok(battery.adapter!.watts! > 0 && battery.adapter!.millivolts! > 4000)
  const parts = Object.keys(await readDiagnostics(relay, 'All', { signal }))
  assert.deepEqual(parts.toSorted(), ['GasGauge', 'HDMI', 'NAND', 'WiFi'])
  assert.deepEqual({ ...(await readRegistry(relay, { EntryName: 'NoSuchEntry' }, { signal })) }, {})
  assert.equal(await readGestalt(relay, ['UniqueDeviceID'], { signal }), undefined)
  await sayGoodbye(relay, { signal })
})

test('an old phone tells by MobileGestalt, and has its battery by class', async () => {
  await using old = await openPaired({ ios: '12.5', model: 'iPhone7,2' })
  await using relay = await openDiagnostics(old.phone, { signal })
  const gestalt = await readGestalt(relay, ['UniqueDeviceID', 'NoSuchKey'], { signal })
  assert.deepEqual({ ...gestalt }, { UniqueDeviceID: old.virtual.udid })
  assert.equal(typeof (await readBattery(relay, { signal })).percent, 'number')
})

test('a battery whose capacities have a dictionary of their own is the same battery', async () => {
  await using newer = await openPaired({ ios: '27.0' })
  await using relay = await openDiagnostics(newer.phone, { signal })
  const { health, designMilliampereHours } = await readBattery(relay, { signal })
  assert.ok(health! > 0.5 && designMilliampereHours! > 1000)
})

test('a phone that is asked to restart leaves and comes back', async () => {
  await using other = await openPaired()
  let isAccepted = false
  const onAccepted = () => {
    isAccepted = true
  }
  assert.equal(await restartPhone(other.phone, { mux: other.mux, onAccepted, signal }), 'back')
  assert.ok(isAccepted)
})

test('nobody can tell when a phone is back that usbmuxd does not know', async () => {
  await using other = await openPaired()
  const nowhere = { address: parseMuxAddress('127.0.0.1:1'), clock }
  assert.equal(await restartPhone(other.phone, { mux: nowhere, signal }), 'unwatched')
})

test('files of the media folder are streamed, renamed, linked, cut, walked and removed', async () => {
  await using afc = await openAfc(phone, { signal })
  const content = new Uint8Array(2_500_000).map((_, index) => index % 251)
  await afc.makeFolder('/Books/Ünïcode 📱/deep', { signal })
  await afc.writeStream('/Books/Ünïcode 📱/a', [content.subarray(0, 7), content.subarray(7)], { signal })
  await afc.rename({ from: '/Books/Ünïcode 📱/a', to: '/Books/Ünïcode 📱/deep/b\nc' }, { signal })
  const pieces = await Array.fromAsync(afc.readStream('/Books/Ünïcode 📱/deep/b\nc', { signal }))
  assert.equal(Buffer.compare(Buffer.concat(pieces), content), 0)
  await afc.makeLink('/Books/Ünïcode 📱/link', { kind: 'symbolic', target: 'deep/b\nc', signal })
  assert.equal((await afc.stat('/Books/Ünïcode 📱/link', { signal }))?.linkTarget, 'deep/b\nc')
  await afc.truncate('/Books/Ünïcode 📱/deep/b\nc', { sizeBytes: 10, signal })

  const walked = await Array.fromAsync(walkFolder(afc, '/Books/Ünïcode 📱', { entriesMax: 10, depthMax: 5, signal }))
  assert.deepEqual(
    walked.map(({ names, kind, sizeBytes }) => `${kind} ${names.join('/')}${kind === 'file' ? ` ${sizeBytes}` : ''}`),
    ['folder deep', 'file deep/b\nc 10', 'link link'],
  )
  await assert.rejects(afc.remove('/Books/Ünïcode 📱', { signal }), code('device.file-refused'))
  await afc.removeAll('/Books/Ünïcode 📱', { signal })
  assert.equal(await afc.stat('/Books/Ünïcode 📱', { signal }), undefined)
  await assert.rejects(afc.readStream('/Books', { signal }).next(), code('device.file-refused'))
  const { freeBytes, totalBytes } = await afc.deviceInfo({ signal })
  assert.ok(freeBytes! > 0 && freeBytes! < totalBytes!)
})

test('a shared lock keeps out those who want the file alone', async () => {
  await using first = await openAfc(phone, { signal })
  await using second = await openAfc(phone, { signal })
  const one = await first.open('/shared', AFC_MODE.readWrite, { signal })
  const other = await second.open('/shared', AFC_MODE.readWrite, { signal })
  assert.equal(await first.tryLock(one, { shared: true, signal }), true)
  assert.equal(await second.tryLock(other, { signal }), false)
  assert.equal(await second.tryLock(other, { shared: true, signal }), true)
})

test('crash reports are listed and read, and stay where they are', async () => {
  await using afc = await openCrashReports(phone, { signal })
  const reports = await Array.fromAsync(listCrashReports(afc, { signal }))
  const report = reports.find(({ names }) => names.at(-1)?.startsWith('backupd-'))
  const content = Buffer.concat(await Array.fromAsync(afc.readStream(report!.path, { signal })))
  assert.equal(content.length, report!.sizeBytes)
  assert.match(content.toString(), /"backupd"/)
  assert.equal((await Array.fromAsync(listCrashReports(afc, { signal }))).length, reports.length)
})

/** The first lines that fit, of those that `say` makes the phone write once the log is open. */
async function linesFrom(filter: LogFilter, say: () => void, count: number) {
  await using log = await openPhoneLog(phone, filter, { signal })
  say()
  const lines: LogLine[] = []
  for await (const line of log.lines({ signal })) {
    lines.push(line)
    if (lines.length === count) break
  }
  return { lines, service: log.service, skipped: log.skipped }
}

test('the log tells who said what, as it is said', async () => {
  const say = () => {
    virtual.log({ process: 'other', text: 'not this' })
    virtual.log({ process: 'backupd', text: 'not that', level: 'info' })
    virtual.log({
      process: 'backupd',
      text: 'ünïcode\nand \u001b[31m more 📱',
      level: 'error',
      subsystem: 's',
      category: 'c',
    })
    virtual.log({ process: 'backupd', text: 'plain', level: 'fault' })
  }
  const { lines, service, skipped } = await linesFrom({ process: 'backupd', level: 'error' }, say, 2)
  assert.deepEqual([service, skipped], ['os_trace_relay', 0])
  assert.deepEqual(
    lines.map(({ process, level, subsystem, category, text }) => ({ process, level, subsystem, category, text })),
    [
      {
        process: 'backupd',
        level: 'error',
        subsystem: 's',
        category: 'c',
        text: 'ünïcode\nand \u001b[31m more 📱',
      },
      { process: 'backupd', level: 'fault', subsystem: undefined, category: undefined, text: 'plain' },
    ],
  )
  assert.ok(Math.abs(Date.parse(lines[0]!.time!) - clock.nowMs()) < 3_600_000)
})

test('the old log service tells the same lines, but for what it does not know', async () => {
  await using channel = await openService(phone, SYSLOG_RELAY, { signal })
  const lines = syslogLines(channel, { signal })
  await lines.next()
  virtual.log({ process: 'backupd', text: 'ünïcode\nand \\ \u001b[31m more 📱', level: 'error', subsystem: 's' })
  const { time, ...line } = (await lines.next()).value!
  assert.match(time!, /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d$/)
  assert.deepEqual(line, {
    process: 'backupd',
    pid: 66,
    level: 'error',
    text: 'ünïcode\nand \\ \u001b[31m more 📱',
  })
  await lines.return(undefined)
})

test('information comes when it is asked for, and one process alone by its id', async () => {
  const say = () => {
    virtual.log({ process: 'a', pid: 1001, text: 'wrong process', level: 'info' })
    virtual.log({ process: 'b', pid: 1002, text: 'right', level: 'info' })
  }
  const { lines } = await linesFrom({ pid: 1002, level: 'info' }, say, 1)
  assert.deepEqual([lines[0]?.text, lines[0]?.pid], ['right', 1002])
})

test('processes are listed, and the stored log comes as an archive', async () => {
  await using list = await openService(phone, OS_TRACE_RELAY, { signal })
  assert.ok([...(await readProcesses(list, { signal })).values()].includes('backupd'))
  await using archive = await openService(phone, OS_TRACE_RELAY, { signal })
  const tar = Buffer.concat(await Array.fromAsync(readLogArchive(archive, { signal })))
  assert.equal(tar.length % 512, 0)
  assert.match(tar.toString('latin1'), /logarchive/)
})

test('a notification is heard until the service is shut down', async () => {
  await using proxy = await openNotificationProxy(phone, { signal })
  await proxy.observe([NOTIFICATIONS.backupSettingsChanged], { signal })
  await proxy.post(NOTIFICATIONS.backupSettingsChanged, { signal })
  for await (const name of proxy.heard({ signal })) {
    assert.equal(name, 'com.apple.mobile.backup.domain_changed')
    break
  }
  await proxy.shutDown({ signal })
})

test('the insecure proxy is open to strangers', async () => {
  await using proxy = await openInsecureNotificationProxy(phone, { signal })
  await proxy.observe([NOTIFICATIONS.pairRequested], { signal })
  await proxy.post(NOTIFICATIONS.pairRequested, { signal })
  assert.equal((await proxy.heard({ signal }).next()).value, NOTIFICATIONS.pairRequested)
})
