import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import {
  askToPair,
  draftPairRecord,
  findPhone,
  getValue,
  lookForPhones,
  openPhoneLog,
  openSession,
  pairRecordFolder,
  parseMuxAddress,
  phonesOf,
  setWifiConnections,
  whileAwake,
} from '../../src/device/index.ts'
import { dictOf, encodeXmlPlist, parsePlist } from '../../src/plist/index.ts'
import { listSnapshots, restoreTree } from '../../src/repository/index.ts'
import {
  ADVERT_KINDS,
  openMuxServer,
  openSeededContents,
  openVirtualPhone,
  openWifi,
  type VirtualPhone,
} from '../../src/virtual-phone/index.ts'
import { assertHolds, hashContents } from '../testing/backup-folder.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { openWorld } from '../testing/world.ts'

const signal = NEVER
const clock = systemClock
const WIRELESS = 'com.apple.mobile.wireless_lockdown'
/** Where nobody listens. */
const NO_USBMUXD = '127.0.0.1:1'

/** A clock for what need not be waited for: the beats of a heartbeat, and looks that find nothing. */
const faster = (times: number): Clock => ({
  ...systemClock,
  elapsedMs: () => systemClock.elapsedMs() * times,
  sleep: (ms, options) => systemClock.sleep(ms / times, options),
})
const hasty = faster(20)

const world = await openWorld({ files: 40, bytes: 1_000_000, virtual: { clock: hasty } })
after(() => world[Symbol.asyncDispose]())
const { virtual } = world
const env = surroundings(world)
const store = pairRecordFolder(join(world.folder, 'state', 'pair-records'))
const paired = await phonekeep(['pair', '--json'], env)
assert.equal(paired.exitCode, 0, paired.err)

/** Puts phones on a network of their own, and tells where that is. */
async function openNetwork(...phones: readonly (readonly [VirtualPhone, Parameters<typeof openWifi>[1]?])[]) {
  await using opened = new AsyncDisposableStack()
  const mdnsPort = await freeUdpPort()
  for (const [phone, options] of phones) opened.use(await openWifi(phone, { mdnsPort, signal, ...options }))
  const place = { interfaces: ['127.0.0.1'], port: mdnsPort }
  const rest = opened.move()
  return {
    place,
    env: { ...env, USBMUXD_SOCKET_ADDRESS: NO_USBMUXD, PHONEKEEP_WIFI: `127.0.0.1:${mdnsPort}` },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((closed) => socket.close(() => closed()))
  return port
}

const noMux = { address: parseMuxAddress(NO_USBMUXD), clock: faster(4) }
const mux = { address: parseMuxAddress(world.muxAddress), clock }

/** Another phone, with keys of its own. */
async function openOtherPhone(seed: number): Promise<VirtualPhone> {
  const contents = openSeededContents({ seed, files: 1, bytes: 1000, ios: '18.7', clock })
  return await openVirtualPhone({ contents, clock, seed, ios: '18.7' })
}

test('with no usbmuxd at all, a paired phone is found and backed up', async () => {
  await using network = await openNetwork([virtual])
  const listed = await phonekeep(['phones', '--json'], network.env)
  assert.equal(listed.exitCode, 0, listed.err)
  const [row, ...others] = JSON.parse(listed.out)
  assert.deepEqual([row.udid, row.transport, row.paired, others], [virtual.udid, 'wifi', true, []])

  const backup = await phonekeep(['backup'], network.env)
  assert.equal(backup.exitCode, 0, backup.err)
  const repository = await world.repository()
  await repository.loadIndex({ signal })
  const [snapshot] = await listSnapshots(repository, { signal, onDamaged: assert.fail })
  assert.ok(snapshot)
  const target = join(world.folder, 'restored')
  await restoreTree(repository, snapshot.tree, target, { signal })
  await assertHolds(join(target, virtual.udid), await hashContents(virtual.contents))
})

for (const advert of ADVERT_KINDS) {
  test(`a phone that advertises by ${advert} is known without being asked who it is`, async () => {
    await using network = await openNetwork([virtual, { advert, signal }])
    await store.saveAddress(virtual.udid, { host: '127.0.0.1', port: 1 })
    const asked: string[] = []
    using cleanup = new DisposableStack()
    cleanup.defer(virtual.events.add((event) => event.kind === 'request' && asked.push(event.request)))
    const { phones, ignored } = await lookForPhones(noMux, { store, wifi: network.place, signal })
    assert.deepEqual([phones.map(({ udid }) => udid), ignored], [[virtual.udid], 0])
    assert.ok(
      asked.some((request) => request.startsWith('StartSession')),
      asked.join(),
    )
    assert.ok(!asked.some((request) => request.includes('UniqueDeviceID')), asked.join())
  })
}

test('a phone on a cable and on Wi-Fi is one phone, by cable, and Wi-Fi is not waited for', async () => {
  await using network = await openNetwork([virtual])
  const search = { store, wifi: network.place, signal }
  const phones = await phonesOf(mux, search)
  assert.deepEqual(
    phones.map(({ transport }) => transport),
    ['usb'],
  )
  const stopped = { ...mux, clock: { ...clock, elapsedMs: () => assert.fail('nobody looks for adverts') } }
  assert.equal((await findPhone(stopped, virtual.udid, search)).transport, 'usb')
})

test('a phone that usbmuxd itself knows on Wi-Fi is reached by way of usbmuxd', async () => {
  await using wifi = await openWifi(virtual, { signal })
  await using server = await openMuxServer({ phones: [wifi], listen: { host: '127.0.0.1', port: 0 }, signal })
  const phone = await findPhone({ address: parseMuxAddress(server.address), clock }, virtual.udid, { store, signal })
  assert.equal(phone.transport, 'wifi')
  await using session = await openSession(phone, { signal })
  assert.equal(await getValue(session.lockdown, { key: 'UniqueDeviceID' }, { signal }), virtual.udid)
})

test('an unknown advert is ignored, and one that poses as our phone is refused with the reason', async () => {
  await using stranger = await openOtherPhone(2)
  await using impostor = await openOtherPhone(1)
  assert.equal(impostor.udid, virtual.udid)
  await trustUs(impostor)
  await using network = await openNetwork([stranger], [impostor])

  const listing = phonekeep(['phones'], network.env)
  const search = { store, wifi: network.place, signal }
  await assert.rejects(findPhone(noMux, virtual.udid, search), { code: 'device.wrong-certificate' })
  const listed = await listing
  assert.equal(listed.exitCode, 0, listed.err)
  assert.match(listed.err, new RegExp(`^${virtual.udid} at 127.0.0.1:\\d+ cannot be used: .*certificate`, 'm'))
  assert.match(listed.err, /\[device\.wrong-certificate\]/)
  assert.match(listed.err, /1 other phone/)
})

/** Has a phone trust the host that our record names, as one would that knows all of it but the phone's key. */
async function trustUs(phone: VirtualPhone): Promise<void> {
  await using server = await openMuxServer({ phones: [phone], listen: { host: '127.0.0.1', port: 0 }, signal })
  const near = await findPhone({ address: parseMuxAddress(server.address), clock }, phone.udid, { store, signal })
  const record = await store.read(virtual.udid)
  assert.ok(record)
  const draft = await draftPairRecord(near, { systemBuid: record.systemBuid, signal })
  const { state } = await askToPair(near, { ...record, deviceCertificate: draft.deviceCertificate }, { signal })
  assert.equal(state, 'paired')
}

test('when nothing is found the error tells of usbmuxd and of the Wi-Fi', async () => {
  await using network = await openNetwork()
  await assert.rejects(phonesOf(noMux, { store, wifi: network.place, signal }), {
    code: 'device.no-usbmuxd',
    message: /^No usbmuxd answers at 127\.0\.0\.1:1 .*, and no phone .* was found on the Wi-Fi$/,
  })
})

test('over Wi-Fi a phone stays for as long as its heartbeat is answered, and says why it leaves', async () => {
  await using network = await openNetwork([virtual])
  const phone = await findPhone(noMux, virtual.udid, { store, wifi: network.place, signal })
  const job = whileAwake(phone, { signal }, async (signal) => {
    await using session = await openSession(phone, { signal })
    await using log = await openPhoneLog(phone, { process: 'nobody' }, { signal })
    await hasty.sleep(45_000, { signal })
    assert.equal(await getValue(session.lockdown, { key: 'UniqueDeviceID' }, { signal }), virtual.udid)
    virtual.power.tell({ what: 'sleep', displayPass: false, displayFail: false })
    return await log.lines({ signal }).next()
  })
  await assert.rejects(job, { code: 'device.asleep' })
})

test('Wi-Fi is switched by cable; a phone where it is off is not found', async () => {
  const off = await phonekeep(['wifi', 'off', '--json'], env)
  assert.deepEqual(JSON.parse(off.out), { udid: virtual.udid, wifi: false }, off.err)
  assert.equal(virtual.values.get(WIRELESS, 'EnableWifiConnections'), false)
  const again = await phonekeep(['pair'], env)
  assert.match(again.out, /is paired already\.\n.*"phonekeep wifi on"/)
  await using network = await openNetwork([virtual])
  const search = { store, wifi: network.place, signal }
  assert.deepEqual((await lookForPhones(noMux, search)).phones, [])

  const on = await phonekeep(['wifi', 'on', virtual.udid], env)
  assert.match(on.out, /can now be reached over Wi-Fi/, on.err)
  const phone = await findPhone(noMux, virtual.udid, search)
  assert.equal(phone.transport, 'wifi')
})

test('Wi-Fi is switched off over Wi-Fi, too, which ends the connection that it was asked on', async () => {
  await using network = await openNetwork([virtual])
  const off = await phonekeep(['wifi', 'off', '--json'], network.env)
  assert.deepEqual(JSON.parse(off.out), { udid: virtual.udid, wifi: false }, off.err)
  assert.equal(virtual.values.get(WIRELESS, 'EnableWifiConnections'), false)
  virtual.values.set(WIRELESS, 'EnableWifiConnections', true)
})

test('a phone that keeps its switch as it was says so', async () => {
  const phone = await findPhone(mux, virtual.udid, { store, signal })
  using cleanup = new DisposableStack()
  cleanup.defer(
    virtual.values.changes.add(({ key }) => {
      if (key === 'EnableWifiConnections' && virtual.values.get(WIRELESS, key) === false) {
        virtual.values.set(WIRELESS, key, true)
      }
    }),
  )
  await assert.rejects(setWifiConnections(phone, false, { signal }), { code: 'device.setting-unchanged' })
})

test('pairing again by cable renews the certificate that a phone is known by', async () => {
  const path = join(world.folder, 'state', 'pair-records', `${virtual.udid}.plist`)
  const record = dictOf(parsePlist(await readFile(path)))
  assert.ok(record?.RootCertificate)
  await writeFile(path, encodeXmlPlist({ ...record, DeviceCertificate: record.RootCertificate }))
  const refused = await phonekeep(['info', '--key', 'UniqueDeviceID'], env)
  assert.equal(refused.exitCode, 21)
  assert.match(refused.err, /\[device\.wrong-certificate\]/)
  const renewed = await phonekeep(['pair'], env)
  assert.match(renewed.out, / is paired\.\n/, renewed.err)
  await using session = await openSession(await findPhone(mux, virtual.udid, { store, signal }), { signal })
  assert.equal(await getValue(session.lockdown, { key: 'UniqueDeviceID' }, { signal }), virtual.udid)
})
