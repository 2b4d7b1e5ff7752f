import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { NEVER } from '../../src/base/abort.ts'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { isAppError } from '../../src/base/errors.ts'
import type { BackupEvent, MuxEvent, Phone } from '../../src/device/index.ts'
import {
  AFC_MODE,
  backupError,
  browseApps,
  connectDevice,
  deletePairRecordData,
  findPhone,
  getValue,
  getValues,
  identityOf,
  listDevices,
  lookForPhones,
  openAfc,
  openBackupSession,
  openDiagnostics,
  openInstallationProxy,
  openNotificationProxy,
  openService,
  openSession,
  openSpringboard,
  pairAndWait,
  pairRecordFolder,
  parseMuxAddress,
  phonesOf,
  prepareBackup,
  readBattery,
  readBuid,
  readIcon,
  readIdentity,
  readRegistry,
  removeValue,
  runBackup,
  sayGoodbye,
  setValue,
  watchDevices,
} from '../../src/device/index.ts'
import { memoryHost } from '../../src/device/testing/memory-host.ts'
import { readPairRecordData } from '../../src/device/usbmux/mux.ts'
import { dictOf, parsePlist } from '../../src/plist/index.ts'
import type { VirtualPhoneOptions } from '../../src/virtual-phone/index.ts'
import { MISCHIEFS, openMuxServer, openSeededContents, openVirtualPhone } from '../../src/virtual-phone/index.ts'

const signal = NEVER

type Options = Partial<Omit<VirtualPhoneOptions, 'contents' | 'clock'>> & { files?: number; bytes?: number }

/** A virtual phone on a mux server, and what this side needs to talk to it. */
async function openWorld({ files = 30, bytes = 400_000, ...options }: Options = {}) {
  await using opened = new AsyncDisposableStack()
  const clock = systemClock
  const contents = openSeededContents({ seed: 1, files, bytes, ios: '18.5', clock })
  const virtual = opened.use(await openVirtualPhone({ seed: 1, contents, clock, ...options }))
  const server = opened.use(await openMuxServer({ phones: [virtual], listen: { host: '127.0.0.1', port: 0 }, signal }))
  const folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-device-')))
  const mux = { address: parseMuxAddress(server.address), clock }
  const store = pairRecordFolder(join(folder.path, 'records'))
  const phone = await findPhone(mux, virtual.udid, { store, signal })
  const rest = opened.move()
  return { virtual, server, mux, store, phone, folder: folder.path, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

async function openPairedWorld(options: Options = {}) {
  await using opened = new AsyncDisposableStack()
  const world = opened.use(await openWorld(options))
  await pairAndWait(world.phone, { systemBuid: await readBuid(world.mux, { signal }), signal })
  const rest = opened.move()
  return { ...world, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

/** Paired once, for tests that leave it as it was: its keys take a while to make. */
const paired = await openPairedWorld()
after(() => paired[Symbol.asyncDispose]())

const code = (expected: string) => (error: unknown) => isAppError(error, expected)

async function backUp(phone: Phone, host = memoryHost(), onEvent?: (event: BackupEvent) => void) {
  await using session = await openBackupSession(phone, { signal })
  const outcome = await runBackup(session, { udid: phone.udid, host, signal, ...(onEvent && { onEvent }) })
  return { outcome, host }
}

test('an attached phone is listed, and says who it is before anybody has paired with it', async () => {
  await using world = await openWorld({ name: 'Ada’s iPhone' })
  const { mux, store, virtual } = world
  assert.deepEqual(await listDevices(mux, { signal }), [{ deviceId: 1, udid: virtual.udid, transport: 'usb' }])
  const [phone] = await phonesOf(mux, { store, signal })
  const identity = await readIdentity(phone!, { signal })
  assert.equal(identity.udid, virtual.udid)
  assert.equal(identity.name, 'Ada’s iPhone')
  assert.equal(identity.model, 'iPhone15,4')
  assert.equal(identity.serialNumber, undefined)
})

test('watching tells who is there, who leaves and who comes back', async () => {
  await using world = await openWorld()
  const { mux, server, virtual } = world
  const abort = new AbortController()
  const events: MuxEvent[] = []
  const watching = (async () => {
    for await (const event of watchDevices(mux, { signal: abort.signal })) {
      events.push(event)
      if (events.length === 1) server.detach(virtual)
      if (events.length === 2) server.attach(virtual)
      if (events.length === 3) abort.abort()
    }
  })()
  await assert.rejects(watching, (error) => error === abort.signal.reason)
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['attached', 'detached', 'attached'],
  )
})

test('a port where nothing listens, and a phone that has left, are different errors', async () => {
  await using world = await openWorld()
  const { mux, store } = world
  await assert.rejects(connectDevice(mux, { deviceId: 1, port: 50_000 }, { signal }), code('device.port-closed'))
  await assert.rejects(connectDevice(mux, { deviceId: 77, port: 62_078 }, { signal }), code('device.gone'))
  await assert.rejects(findPhone(mux, '00008120-000000000000FFFF', { store, signal }), code('device.gone'))
})

test('pairing waits for the dialog, keeps the record for itself and for usbmuxd, and gives no rights to others', async () => {
  await using world = await openWorld({ condition: { trust: 'ask' } })
  const { phone, mux, virtual, folder, store } = world
  const waits: string[] = []
  const systemBuid = await readBuid(mux, { signal })
  const onWait = (waitsFor: string) => {
    waits.push(waitsFor)
    virtual.condition.trustDialog.accept()
  }
  const record = await pairAndWait(phone, { systemBuid, onWait, signal })
  assert.deepEqual(waits, ['dialog'])
  assert.deepEqual(await store.read(phone.udid), record)
  const [file] = await readdir(join(folder, 'records'))
  assert.equal(file, `${phone.udid}.plist`)
  assert.equal((await stat(join(folder, 'records', file!))).mode & 0o777, 0o600)

  const elsewhere = pairRecordFolder(join(folder, 'elsewhere'))
  const same = await findPhone(mux, phone.udid, { store: elsewhere, signal })
  await using session = await openSession(same, { signal })
  assert.equal(session.record.hostId, record.hostId)
})

test('a refused dialog and a locked phone say what to do', async () => {
  await using world = await openWorld({ condition: { trust: 'refuse' } })
  const { phone, mux, virtual } = world
  const systemBuid = await readBuid(mux, { signal })
  await assert.rejects(pairAndWait(phone, { systemBuid, signal }), code('device.trust-refused'))
  virtual.condition.set({ passcode: '1234', isLocked: true })
  const abort = new AbortController()
  const onWait = (waitsFor: string) => abort.abort(new Error(waitsFor))
  await assert.rejects(pairAndWait(phone, { systemBuid, onWait, signal: abort.signal }), /^Error: locked$/)
})

test('an unpaired phone, one that forgot us, and one not unlocked since its restart are told apart', async () => {
  await using world = await openWorld()
  const { phone, mux, virtual, store } = world
  await assert.rejects(openSession(phone, { signal }), code('device.not-paired'))
  const record = await pairAndWait(phone, { systemBuid: await readBuid(mux, { signal }), signal })
  virtual.condition.set({ passcode: '1234', isUnlockedSinceBoot: false })
  await assert.rejects(openSession(phone, { signal }), code('device.not-unlocked'))
  virtual.condition.unlock()
  virtual.forgetHosts()
  await assert.rejects(openSession(phone, { signal }), code('device.not-paired'))
  assert.deepEqual(await store.read(phone.udid), record, 'the record is kept')
})

test('another phone that answers in its place is noticed before anything is said', async () => {
  await using world = await openPairedWorld()
  await using other = await openPairedWorld({ seed: 2 })
  const record = (await world.store.read(world.phone.udid))!
  const theirs = (await other.store.read(other.phone.udid))!
  const mixed = { ...theirs, deviceCertificate: record.deviceCertificate }
  await other.store.save(other.phone.udid, mixed)
  await assert.rejects(openSession(other.phone, { signal }), code('device.wrong-certificate'))
})

/** Runs one of Debian's libimobiledevice-utils against the mux server. */
async function tool(address: string, program: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: tmpdir(), USBMUXD_SOCKET_ADDRESS: address }
  const { stdout } = await promisify(execFile)(program, args, { env }).catch((error: NodeJS.ErrnoException) => {
    assert.notEqual(error.code, 'ENOENT', `${program} is missing: install libimobiledevice-utils`)
    throw error
  })
  return stdout.trim()
}

test('a pair record made here opens the phone to libimobiledevice, and one made there opens it to us', async () => {
  await using world = await openPairedWorld()
  const { mux, server, virtual, phone, folder } = world
  const serial = virtual.identity.serialNumber
  assert.match(await tool(server.address, 'idevicepair', 'validate'), /^SUCCESS/)
  assert.equal(await tool(server.address, 'ideviceinfo', '-k', 'SerialNumber'), serial)

  virtual.forgetHosts()
  await deletePairRecordData(mux, phone.udid, { signal })
  assert.match(await tool(server.address, 'idevicepair', 'pair'), /^SUCCESS/)
  const theirs = await readPairRecordData(mux, phone.udid, { signal })
  const fresh = await findPhone(mux, phone.udid, { store: pairRecordFolder(join(folder, 'none')), signal })
  for (const { pairRecords } of [fresh, phone]) {
    await using session = await openSession({ ...phone, pairRecords }, { signal })
    assert.equal(await getValue(session.lockdown, { key: 'SerialNumber' }, { signal }), serial)
  }
  const kept = await world.store.read(phone.udid)
  assert.equal(kept?.hostId, await tool(server.address, 'idevicepair', 'hostid'), 'what worked is kept as ours')
  assert.deepEqual(await readPairRecordData(mux, phone.udid, { signal }), theirs, 'and left as it was with usbmuxd')
})

test("usbmuxd's pair record does while ours is damaged, and takes its place", async () => {
  await using world = await openPairedWorld()
  const { mux, phone, store, folder } = world
  const record = await store.read(phone.udid)
  await writeFile(join(folder, 'records', `${phone.udid}.plist`), 'garbage')
  const { problems } = await lookForPhones(mux, { store, signal })
  assert.deepEqual(
    problems.map((problem) => problem.code),
    ['device.bad-pair-record'],
  )
  await using _session = await openSession(phone, { signal })
  assert.deepEqual(await store.read(phone.udid), record)
})

test('a session reads, changes and removes values; a missing one is an answer', async () => {
  await using session = await openSession(paired.phone, { signal })
  const { lockdown } = session
  assert.ok(identityOf(paired.phone.udid, await getValues(lockdown, {}, { signal })).serialNumber)
  assert.equal(await getValue(lockdown, { key: 'NoSuchKey' }, { signal }), undefined)
  const name = { domain: 'com.apple.mobile.wireless_lockdown', key: 'EnableWifiConnections' }
  await setValue(lockdown, { ...name, value: true }, { signal })
  assert.equal(await getValue(lockdown, name, { signal }), true)
  await removeValue(lockdown, name, { signal })
  assert.equal(await getValue(lockdown, name, { signal }), undefined)
})

test('a service the phone does not have is refused by name', async () => {
  const refused = (error: unknown) => isAppError(error, 'device.service-refused') && /com\.example/.test(error.message)
  await assert.rejects(openService(paired.phone, 'com.example.nothing', { signal }), refused)
})

test('a phone before iOS 10 is reached over old TLS', async () => {
  await using world = await openPairedWorld({ ios: '9.3', model: 'iPhone7,2' })
  await using session = await openSession(world.phone, { signal })
  assert.equal(await getValue(session.lockdown, { key: 'ProductVersion' }, { signal }), '9.3')
})

test('files of the media folder are written, described, listed, read and removed', async () => {
  await using afc = await openAfc(paired.phone, { signal })
  const content = new Uint8Array(2_500_000).map((_, index) => index)
  await afc.makeFolder('/Books/Ünïcode', { signal })
  await afc.writeFile('/Books/Ünïcode/a', content, { signal })
  assert.deepEqual(await afc.list('/Books/Ünïcode', { signal }), ['a'])
  assert.equal((await afc.stat('/Books/Ünïcode/a', { signal }))?.sizeBytes, content.length)
  assert.equal(Buffer.compare((await afc.readFile('/Books/Ünïcode/a', { bytesMax: 3e6, signal }))!, content), 0)
  await assert.rejects(afc.readFile('/Books/Ünïcode/a', { bytesMax: 1e6, signal }), code('device.file-refused'))
  await afc.remove('/Books/Ünïcode/a', { signal })
  assert.equal(await afc.stat('/Books/Ünïcode/a', { signal }), undefined)
  assert.equal(await afc.readFile('/Books/nothing', { bytesMax: 10, signal }), undefined)
  assert.equal(await afc.list('/Books/nothing', { signal }), undefined)
})

test('the sync lock is held by one connection at a time', async () => {
  await using second = await openAfc(paired.phone, { signal })
  {
    await using first = await openAfc(paired.phone, { signal })
    const handle = await first.open('/com.apple.itunes.lock_sync', AFC_MODE.readWrite, { signal })
    assert.equal(await first.tryLock(handle, { signal }), true)
    const other = await second.open('/com.apple.itunes.lock_sync', AFC_MODE.readWrite, { signal })
    assert.equal(await second.tryLock(other, { signal }), false)
    await first.unlock(handle, { signal })
    assert.equal(await second.tryLock(other, { signal }), true)
  }
})

test('the small services answer', async () => {
  const { phone } = paired
  await using proxy = await openInstallationProxy(phone, { signal })
  const apps = await browseApps(proxy, { type: 'User', attributes: ['CFBundleIdentifier'], signal })
  assert.ok(apps.length > 0)
  await using springboard = await openSpringboard(phone, { signal })
  const icon = await readIcon(springboard, String(apps[0]!.CFBundleIdentifier), { signal })
  assert.equal(Buffer.from(icon!.subarray(1, 4)).toString(), 'PNG')
  await using relay = await openDiagnostics(phone, { signal })
  assert.equal((await readBattery(relay, { signal })).isOnPower, true)
  assert.deepEqual(await readRegistry(relay, { EntryName: 'NoSuchEntry' }, { signal }), {})
  await sayGoodbye(relay, { signal })
})

test('notifications are heard by those who asked for them', async () => {
  await using proxy = await openNotificationProxy(paired.phone, { signal })
  await proxy.observe(['com.example.first', 'com.example.echo'], { signal })
  await proxy.post('com.example.echo', { signal })
  for await (const name of proxy.heard({ signal })) {
    assert.equal(name, 'com.example.echo')
    break
  }
})

test('a backup arrives whole, and a second one sends only what has changed', async () => {
  await using world = await openPairedWorld()
  const { phone, virtual } = world
  const events: BackupEvent[] = []
  const { outcome, host } = await backUp(phone, memoryHost(), (event) => events.push(event))
  assert.deepEqual(outcome, { outcome: 'finished' })
  const status = dictOf(parsePlist(host.files.get(`${phone.udid}/Status.plist`)!))
  assert.equal(status?.SnapshotState, 'finished')
  assert.ok(host.files.has(`${phone.udid}/Manifest.db`))
  const received = events.filter(({ kind }) => kind === 'file-received').length
  assert.ok(received > 30)

  virtual.contents.change({ seed: 3, rewrite: 1, add: 1 })
  const again: BackupEvent[] = []
  assert.deepEqual((await backUp(phone, host, (event) => again.push(event))).outcome, { outcome: 'finished' })
  const payload = again.filter((event) => event.kind === 'file-received' && /^[0-9a-f]{40}$/.test(event.path.at(-1)!))
  assert.equal(payload.length, 2)
})

test('every upload is acknowledged by the host before the phone hears of it, Status.plist last', async () => {
  const { host } = await backUp(paired.phone)
  const uploads = host.calls.filter((call) => call.startsWith('uploaded'))
  const received = host.calls.filter((call) => call.startsWith('receive')).map((call) => call.split(' ')[1])
  assert.deepEqual(
    uploads.flatMap((call) => call.split(' ').slice(1)),
    received,
  )
  assert.equal(uploads.at(-1), `uploaded ${paired.phone.udid}/Status.plist`)
})

test('a phone that gets no room, or no passcode, ends the backup with the reason', async () => {
  await using world = await openPairedWorld()
  const host = memoryHost()
  host.room = 1000
  const short = await backUp(world.phone, host)
  assert.ok(short.outcome.outcome === 'refused')
  assert.equal(backupError(short.outcome).code, 'device.backup-no-space')
  assert.equal(host.files.size, 0)

  world.virtual.condition.set({ passcode: '1234', passcodePrompt: 'refuse' })
  const refused = await backUp(world.phone)
  assert.ok(refused.outcome.outcome === 'refused')
  assert.equal(backupError(refused.outcome).code, 'device.backup-no-passcode')
})

test('an error of the host ends the run with that error, and the next run goes on', async () => {
  await using world = await openPairedWorld()
  const host = memoryHost()
  let filesLeft = 10
  const failing = {
    ...host,
    receiveFile: async (...args: Parameters<typeof host.receiveFile>) => {
      if (filesLeft-- === 0) throw new Error('the disk is on fire')
      await host.receiveFile(...args)
    },
  }
  await using session = await openBackupSession(world.phone, { signal })
  await assert.rejects(runBackup(session, { udid: world.phone.udid, host: failing, signal }), /on fire/)
  await session[Symbol.asyncDispose]()
  assert.deepEqual((await backUp(world.phone, host)).outcome, { outcome: 'finished' })
})

test('a cable pulled in the middle is wire.closed, and the next run goes on', async () => {
  await using world = await openPairedWorld()
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes: 150_000 })
  const host = memoryHost()
  await assert.rejects(backUp(world.phone, host), code('wire.closed'))
  assert.deepEqual((await backUp(world.phone, host)).outcome, { outcome: 'finished' })
})

test('preparing collects the Info.plist, reports the passcode, and frees the phone at the end', async () => {
  await using world = await openPairedWorld()
  const { phone, virtual } = world
  virtual.condition.set({ passcode: '1234' })
  const events: BackupEvent[] = []
  const posted: string[] = []
  const finished = Promise.withResolvers<void>()
  virtual.events.add((event) => {
    if (event.kind === 'notification') posted.push(event.name.split('.').at(-1)!)
    if (posted.at(-1) === 'syncDidFinish') finished.resolve()
  })
  const onEvent = (event: BackupEvent) => {
    events.push(event)
    if (event.kind === 'passcode-asked') virtual.condition.passcodeSheet.enter()
  }
  {
    await using prepared = await prepareBackup(phone, { onEvent, signal })
    const info = dictOf(parsePlist(prepared.infoPlist))
    assert.equal(info?.['Unique Identifier'], phone.udid.toUpperCase())
    assert.equal(info?.['Product Version'], '18.5')
    assert.ok(Object.keys(dictOf(info?.Applications) ?? {}).length > 0)
    assert.deepEqual((await backUp(phone)).outcome, { outcome: 'finished' })
  }
  await finished.promise
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['passcode-asked', 'passcode-done'],
  )
  const order = ['syncWillStart', 'syncLockRequest', 'syncDidStart', 'presented', 'dismissed', 'syncDidFinish']
  assert.deepEqual(
    posted.filter((name) => order.includes(name)),
    order,
  )
  await using again = await prepareBackup(phone, { signal })
  assert.ok(again.infoPlist.length > 0)
})

/** Short sleeps are over at once, long ones never: for waiting between tries, under time limits that must not strike. */
const impatientClock: Clock = {
  ...systemClock,
  sleep: (ms, { signal }) => (ms < 1000 ? Promise.resolve() : systemClock.sleep(1e9, { signal })),
}

test('a phone that another program syncs with is busy', async () => {
  await using other = await openAfc(paired.phone, { signal })
  const handle = await other.open('/com.apple.itunes.lock_sync', AFC_MODE.readWrite, { signal })
  assert.equal(await other.tryLock(handle, { signal }), true)
  const phone = { ...paired.phone, clock: impatientClock }
  await assert.rejects(prepareBackup(phone, { signal }), code('device.busy'))
})

test('a phone that refuses everything a backup can do without still gets an Info.plist', async () => {
  await using world = await openPairedWorld()
  const services = ['notification_proxy', 'afc', 'installation_proxy'].map((name) => `com.apple.mobile.${name}`)
  for (const service of [...services, 'com.apple.afc']) world.virtual.faults.add({ do: 'cut', service })
  const without: string[] = []
  const onEvent = (event: BackupEvent) => {
    if (event.kind === 'went-without') without.push(event.what)
  }
  await using prepared = await prepareBackup(world.phone, { onEvent, signal })
  const info = dictOf(parsePlist(prepared.infoPlist))
  assert.equal(info?.['Target Identifier'], world.phone.udid)
  assert.deepEqual(info?.['Installed Applications'], [])
  assert.ok(without.includes('the sync lock') && without.includes('the list of apps'), without.join())
})

test('over Wi-Fi a phone is prepared as by cable, and pairing is not even tried', async () => {
  const phone: Phone = { ...paired.phone, transport: 'wifi' }
  const without: BackupEvent[] = []
  await using prepared = await prepareBackup(phone, { onEvent: (event) => without.push(event), signal })
  assert.ok(prepared.infoPlist.length > 0)
  assert.deepEqual(without, [])
  await assert.rejects(pairAndWait(phone, { systemBuid: 'x', signal }), code('device.needs-cable'))
})

test('a phone that lies does no harm', async (t) => {
  await using world = await openPairedWorld()
  const { phone, virtual } = world
  for (const mischief of MISCHIEFS) {
    await t.test(mischief.name, async () => {
      virtual.faults.clear()
      virtual.faults.add({ do: 'mischief', name: mischief.name, times: 100 })
      const host = memoryHost()
      const ending = await backUp(phone, host).catch((error: unknown) => error)
      assert.ok(!(ending instanceof Error) || isAppError(ending), String(ending))
      const names = [...host.files.keys(), ...host.folders]
      assert.deepEqual(
        names.filter((name) => !`${name}/`.startsWith(`${phone.udid}/`)),
        [],
      )
      assert.ok(!host.files.has(phone.udid), 'the folder is no file')
    })
  }
})
