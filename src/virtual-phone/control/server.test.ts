import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import { arrayOf, dictOf, numberOf } from '../../plist/index.ts'
import { LOCKDOWN } from '../faults/index.ts'
import { askMux, connectTo, dialMux, pairWith } from '../testing/host.ts'
import { openTestWorld } from '../testing/world.ts'
import { openCable } from './cable.ts'
import { COMMANDS } from './commands.ts'
import { openControl } from './server.ts'

const signal = NEVER

async function openWorld() {
  const world = await openTestWorld({ condition: { passcode: '1234', trust: 'ask' } })
  const { phone, mux } = world
  const cable = openCable(phone, mux)
  const control = await openControl({ phone, cable, signal })
  const dispose = async () => {
    await control[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  }
  return { ...world, control, [Symbol.asyncDispose]: dispose }
}

const world = await openWorld()
after(() => world[Symbol.asyncDispose]())
const { phone, control } = world

async function get(path: string) {
  const response = await fetch(control.address + path)
  return { status: response.status, text: await response.text() }
}

async function post(path: string, body?: unknown) {
  const response = await fetch(control.address + path, {
    method: 'POST',
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, json: JSON.parse(await response.text()) }
}

async function state() {
  return JSON.parse((await get('/state')).text)
}

/** A phone that was plugged in again, or has restarted, has another device ID. */
async function dialLockdown() {
  await using mux = await dialMux(world.mux.address)
  const [device] = arrayOf((await askMux(mux, { MessageType: 'ListDevices' })).DeviceList) ?? []
  return await connectTo(world.mux.address, { deviceId: numberOf(dictOf(device)?.DeviceID) ?? 0, port: 62078 })
}

/** With headers that `fetch` does not let through. */
function statusWith(headers: Record<string, string>): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  request(`${control.address}/lock`, { method: 'POST', headers }, (response) => {
    response.resume()
    resolve(response.statusCode)
  })
    .on('error', reject)
    .end()
  return promise
}

test('the state tells who the phone is and how it is, and no passcode', async () => {
  const { text } = await get('/state')
  const told = JSON.parse(text)
  assert.equal(told.udid, phone.udid)
  assert.equal(told.ios, '18.5')
  assert.deepEqual(told.contents, phone.contents.totals)
  assert.equal(told.condition.hasPasscode, true)
  assert.doesNotMatch(text, /1234/)
})

test('the phone is locked, unlocked with the right passcode, and restarted', async () => {
  assert.equal((await post('/lock')).json.condition.isPasswordProtected, true)
  const wrong = await post('/unlock', { passcode: '0000' })
  assert.deepEqual([wrong.status, wrong.json.error.message], [400, 'That is not the passcode'])
  assert.equal((await post('/unlock', { passcode: '1234' })).json.condition.isPasswordProtected, false)
  assert.equal((await post('/restart')).json.condition.isBeforeFirstUnlock, true)
  assert.equal((await post('/unlock')).json.condition.isBeforeFirstUnlock, false)
})

test('the trust dialog is seen and answered, and the computer is on the list', async () => {
  await using lockdown = await dialLockdown()
  await assert.rejects(pairWith(lockdown), /PairingDialogResponsePending/)
  assert.equal((await state()).condition.showsTrustDialog, true)
  assert.equal((await post('/trust', { answer: 'accept', passcode: '9' })).status, 400)
  await post('/trust', { answer: 'refuse' })
  await assert.rejects(pairWith(lockdown), /UserDeniedPairing/)
  assert.match((await post('/trust', { answer: 'accept' })).json.error.message, /does not ask whether to trust/)
  await assert.rejects(pairWith(lockdown), /PairingDialogResponsePending/)
  await post('/trust', { answer: 'accept' })
  const { keys } = await pairWith(lockdown)
  assert.deepEqual((await state()).trustedHosts, [keys.record.HostID])
  assert.deepEqual((await post('/forget-hosts')).json.trustedHosts, [])
})

test('the passcode is entered where it is asked for, and nowhere else', async () => {
  assert.equal(
    (await post('/passcode', { answer: 'enter' })).json.error.message,
    'The phone does not ask for its passcode now',
  )
  const { passcodeSheet } = phone.condition
  const entered = passcodeSheet.ask(phone.clock, { signal })
  assert.equal((await state()).condition.showsPasscodeSheet, true)
  assert.equal((await post('/passcode', { answer: 'enter', passcode: '0000' })).status, 400)
  const { condition } = (await post('/passcode', { answer: 'enter', passcode: '1234' })).json
  assert.deepEqual([condition.showsPasscodeSheet, condition.isLocked], [false, false])
  assert.equal(await entered, 'entered')
  const cancelled = passcodeSheet.ask(phone.clock, { signal })
  await post('/passcode', { answer: 'cancel' })
  assert.equal(await cancelled, 'cancelled')
})

test('the cable is pulled and put in again', async () => {
  const { isPlugged, condition } = (await post('/unplug')).json
  assert.deepEqual([isPlugged, condition.power], [false, 'battery'])
  await assert.rejects(dialLockdown())
  assert.equal((await post('/plug-in')).json.isPlugged, true)
})

test('every field of the condition can be set, but for no passcode of a wrong kind', async () => {
  const change = { power: 'held', batteryPercent: 100, isFindMyOn: false, freeBytes: 5, requiresEncryption: true }
  const { condition } = (await post('/condition', change)).json
  for (const [name, value] of Object.entries(change)) assert.equal(condition[name], value, name)
  assert.equal(phone.values.get('com.apple.mobile.battery', 'FullyCharged'), true)
  assert.equal(phone.values.get('com.apple.fmip', 'IsAssociated'), false)
  assert.equal(phone.values.get('com.apple.disk_usage', 'TotalDataAvailable'), 5)
  assert.equal(phone.values.get('com.apple.mobile.backup', 'RequiresEncryption'), 1)
  assert.equal((await post('/condition', { passcode: '' })).json.condition.hasPasscode, false)
  assert.equal((await post('/condition', { passcode: '1234' })).json.condition.hasPasscode, true)
  for (const wrong of [{ power: 'solar' }, { batteryPercent: 101 }, { isLocked: 1 }, { trust: true }, { dance: 1 }]) {
    assert.equal((await post('/condition', wrong)).status, 400, JSON.stringify(wrong))
  }
})

test('files change, a value is set, a notification posted, a line logged, a fault added', async () => {
  const before = phone.contents.totals.files
  assert.equal((await post('/change', { add: 3, seed: 1 })).json.contents.files, before + 3)
  await post('/set', { setting: ':DeviceName=Anna' })
  assert.equal(phone.values.get('', 'DeviceName'), 'Anna')
  assert.equal((await post('/set', { setting: 'nonsense' })).json.error.code, 'virtual-phone.bad-setting')
  await post('/notification', { name: 'a.notification' })
  await post('/log', { process: 'backupd', text: 'hello', subsystem: 'com.apple.mobilebackup' })
  const { faults, journal } = (await post('/fault', { do: 'cut', service: LOCKDOWN, afterBytes: 3 })).json
  assert.deepEqual(faults.waiting, [{ do: 'cut', service: LOCKDOWN, afterBytes: 3 }])
  assert.ok(journal.some((entry: { name?: string }) => entry.name === 'a.notification'))
  await assert.rejects(async () => {
    await using lockdown = await dialLockdown()
    await pairWith(lockdown)
  })
  assert.equal((await state()).faults.fired.length, 1)
})

test('the digest has a line for everything on the phone', async () => {
  const { files, folders, links } = phone.contents.totals
  const lines = (await get('/digest')).text.trimEnd().split('\n')
  assert.equal(lines.length, files + folders + links)
  assert.ok(lines.some((line) => /^[0-9a-f]{64}$/.test(JSON.parse(line).sha256)))
})

test('a web page, or a name bent to this address, gets nothing', async () => {
  const host = control.address.slice('http://'.length)
  assert.equal(await statusWith({ host }), 200)
  assert.equal(await statusWith({ host: host.replace('127.0.0.1', 'localhost') }), 200)
  for (const headers of [
    { host, origin: 'http://evil.example' },
    { host, origin: control.address },
    { host, 'sec-fetch-site': 'cross-site' },
    { host: 'evil.example' },
    { host: '127.0.0.1' },
  ]) {
    assert.equal(await statusWith(headers), 403, JSON.stringify(headers))
  }
})

test('paths, methods and bodies that are wrong are told apart', async () => {
  assert.equal((await get('/nothing')).status, 404)
  assert.equal((await get('/lock')).status, 405)
  assert.equal((await post('/state')).status, 405)
  assert.equal((await post('/lock', 'no json')).json.error.code, 'virtual-phone.bad-command')
  assert.equal((await post('/lock', '[]')).status, 400)
  assert.equal((await post('/lock', { extra: 1 })).status, 400)
  assert.equal((await post('/trust', `{"answer":${'['.repeat(32_000)}${']'.repeat(32_000)}}`)).status, 400)
  assert.match((await post('/log', `"${'x'.repeat(100_000)}"`)).json.error.message, /larger than 65536 bytes/)
})

test('any JSON for any command is carried out or refused, never a mistake of ours', async () => {
  const paths = [...COMMANDS.keys()].filter((path) => !['restart', 'unplug', 'plug-in'].includes(path))
  const isAnswered = async (path: string, body: string) => [200, 400].includes((await post(`/${path}`, body)).status)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.json(), async (path, body) =>
      assert.ok(await isAnswered(path, body)),
    ),
    { numRuns: 60 },
  )
})

test('a port that is taken is refused with a reason', async () => {
  const port = Number(new URL(control.address).port)
  const cable = { isPlugged: true, plugIn() {}, unplug() {} }
  await assert.rejects(openControl({ phone, cable, port, signal }), (error) =>
    isAppError(error, 'virtual-phone.not-listening'),
  )
})

test('a value is taken away, an iCloud backup ends, an app grows', async () => {
  const BACKUP = 'com.apple.mobile.backup'
  await post('/unset', { value: `${BACKUP}:LastCloudBackupDate` })
  assert.equal(phone.values.get(BACKUP, 'LastCloudBackupDate'), undefined)
  assert.equal((await post('/cloud-backup', { code: 308 })).status, 200)
  assert.equal(phone.values.get(BACKUP, 'LastCloudBackupDate'), undefined)
  assert.equal((await post('/cloud-backup')).status, 200)
  assert.equal(typeof phone.values.get(BACKUP, 'LastCloudBackupDate'), 'number')
  const [app] = phone.contents.apps
  const grown = { app: app?.bundleId, bytes: 5_000_000_000 }
  assert.equal((await post('/app-data', grown)).status, 200)
  assert.ok((phone.contents.apps[0]?.dynamicBytes ?? 0) >= grown.bytes)
  assert.match((await post('/app-data', { ...grown, app: 'none' })).json.error.message, /no app none/)
})
