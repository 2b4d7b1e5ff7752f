import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, mkdtempDisposable, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { bytesOf, dictOf } from '../../plist/index.ts'
import { ask, askMux, connectTo, dialMux, hear, muxFrame, readMux } from '../testing/host.ts'
import { openTestPhone, openTestWorld } from '../testing/world.ts'
import { openMuxServer } from './server.ts'

const CONNECT_LOCKDOWN = { MessageType: 'Connect', DeviceID: 1, PortNumber: 32498 }
const LISTEN = { MessageType: 'Listen' }

test('a phone is listed with the properties that libimobiledevice reads', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  const { DeviceList } = await askMux(client, { MessageType: 'ListDevices' })
  assert.equal(JSON.stringify(DeviceList), JSON.stringify([attached(world.phone.udid, 1)]))
})

function attached(udid: string, deviceId: number) {
  return {
    MessageType: 'Attached',
    DeviceID: deviceId,
    Properties: {
      ConnectionSpeed: 480000000,
      ConnectionType: 'USB',
      LocationID: (1 << 20) + deviceId,
      ProductID: 4776,
      DeviceID: deviceId,
      SerialNumber: udid,
    },
  }
}

test('answers carry the tag of their request, events carry 0', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  await client.write(muxFrame(LISTEN, { tag: 77 }), { signal: NEVER })
  assert.deepEqual(await readTagAndType(client), [77, 'Result'])
  assert.deepEqual(await readTagAndType(client), [0, 'Attached'])
})

async function readTagAndType(client: Parameters<typeof readMux>[0]) {
  const { tag, message } = await readMux(client)
  return [tag, message.MessageType]
}

test('a listener hears of a phone that is unplugged, and plugged in again with a new device ID', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  await askMux(client, LISTEN)
  await readMux(client)
  world.mux.detach(world.phone)
  assert.equal(world.mux.attach(world.phone), 2)
  assert.deepEqual({ ...(await readMux(client)).message }, { MessageType: 'Detached', DeviceID: 1 })
  assert.equal(JSON.stringify((await readMux(client)).message), JSON.stringify(attached(world.phone.udid, 2)))
})

test('a listener may not command', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  await askMux(client, LISTEN)
  await readMux(client)
  assert.equal((await askMux(client, { MessageType: 'ListDevices' })).Number, 1)
})

test('two phones with one UDID cannot be attached', async () => {
  await using world = await openTestWorld()
  assert.throws(
    () => world.mux.attach(world.phone),
    (error) => isAppError(error, 'virtual-phone.attached-twice'),
  )
})

test('after a Connect that failed the client may go on, and after one that worked it talks to the phone', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  assert.equal((await askMux(client, { ...CONNECT_LOCKDOWN, PortNumber: 1 })).Number, 3)
  assert.equal((await askMux(client, { ...CONNECT_LOCKDOWN, DeviceID: 9 })).Number, 2)
  assert.equal((await askMux(client, { MessageType: 'Connect', DeviceID: 1 })).Number, 1)
  assert.equal((await askMux(client, CONNECT_LOCKDOWN)).Number, 0)
  assert.equal((await ask(client, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
})

test('no byte is lost when the first request to the phone comes along with Connect', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  const query = utf8('<?xml version="1.0"?><plist><dict><key>Request</key><string>QueryType</string></dict></plist>')
  await client.write(concatBytes([muxFrame(CONNECT_LOCKDOWN), Uint8Array.of(0, 0, 0, query.length), query]), {
    signal: NEVER,
  })
  assert.equal((await readMux(client)).message.Number, 0)
  assert.equal((await hear(client)).Type, 'com.apple.mobile.lockdown')
})

test('unplugging the phone ends its connections', async () => {
  await using world = await openTestWorld()
  await using lockdown = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  await ask(lockdown, { Request: 'QueryType' })
  world.mux.detach(world.phone)
  assert.equal(await lockdown.readSome(1, { signal: NEVER }), undefined)
})

test('a pair record comes back byte for byte, listeners hear of it, and it can be deleted', async () => {
  await using world = await openTestWorld()
  await using listener = await dialMux(world.mux.address)
  await askMux(listener, LISTEN)
  await readMux(listener)
  await using client = await dialMux(world.mux.address)
  const id = { PairRecordID: world.phone.udid }
  const record = Uint8Array.of(1, 2, 3, 0, 255)
  assert.equal((await askMux(client, { MessageType: 'ReadPairRecord', ...id })).Number, 2)
  const save = { MessageType: 'SavePairRecord', ...id, PairRecordData: record, DeviceID: 1 }
  assert.equal((await askMux(client, save)).Number, 0)
  assert.deepEqual({ ...(await readMux(listener)).message }, { MessageType: 'Paired', DeviceID: 1 })
  const read = await askMux(client, { MessageType: 'ReadPairRecord', ...id })
  assert.deepEqual(Buffer.from(bytesOf(read.PairRecordData) ?? []), Buffer.from(record))
  assert.equal((await askMux(client, { MessageType: 'DeletePairRecord', ...id })).Number, 0)
  assert.equal((await askMux(client, { MessageType: 'ReadPairRecord', ...id })).Number, 2)
})

test('a pair record without a name or without data is refused with 22', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  assert.equal((await askMux(client, { MessageType: 'ReadPairRecord' })).Number, 22)
  assert.equal((await askMux(client, { MessageType: 'SavePairRecord', PairRecordID: 'x' })).Number, 22)
})

test('listeners are listed by the names they gave', async () => {
  await using world = await openTestWorld()
  await using listener = await dialMux(world.mux.address)
  await askMux(listener, { ...LISTEN, ProgName: 'watcher', BundleID: 'org.example.watcher' })
  await using client = await dialMux(world.mux.address)
  const { ListenerList } = await askMux(client, { MessageType: 'ListListeners' })
  const first = dictOf(Array.isArray(ListenerList) ? ListenerList[0] : undefined)
  assert.equal(first?.['ID String'], '1-watcher')
  assert.equal(first?.BundleID, 'org.example.watcher')
})

test('the BUID stays the same for as long as the server lives', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  const { BUID } = await askMux(client, { MessageType: 'ReadBUID' })
  assert.match(String(BUID), /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
  assert.equal((await askMux(client, { MessageType: 'ReadBUID' })).BUID, BUID)
})

test('an unknown command is a bad command', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  assert.equal((await askMux(client, { MessageType: 'MakeCoffee' })).Number, 1)
  assert.equal((await askMux(client, {})).Number, 1)
})

test('a client of the binary protocol is told so, and its command is not carried out', async () => {
  await using world = await openTestWorld()
  await using client = await dialMux(world.mux.address)
  const id = { PairRecordID: 'x' }
  await askMux(client, { MessageType: 'SavePairRecord', ...id, PairRecordData: Uint8Array.of(1) })
  const binary = Buffer.from(muxFrame({ MessageType: 'DeletePairRecord', ...id }))
  binary.writeUInt32LE(0, 4)
  await client.write(binary, { signal: NEVER })
  const answer = Buffer.from(await client.readExactly(20, { signal: NEVER }))
  assert.equal(answer.readUInt32LE(16), 6)
  assert.ok('PairRecordData' in (await askMux(client, { MessageType: 'ReadPairRecord', ...id })))
})

test('clients that say anything at all harm nobody', async () => {
  await using world = await openTestWorld()
  await using other = await dialMux(world.mux.address)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      await using hostile = await dialMux(world.mux.address)
      await hostile.write(bytes, { signal: NEVER })
      hostile.detach().end()
      assert.ok('BUID' in (await askMux(other, { MessageType: 'ReadBUID' })))
    }),
    { numRuns: 100 },
  )
})

test('hosts that say anything at all to lockdownd harm nobody', async () => {
  await using world = await openTestWorld()
  await using other = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      await using hostile = await connectTo(world.mux.address, { deviceId: 1, port: 62078 })
      await hostile.write(bytes, { signal: NEVER })
      hostile.detach().end()
      assert.equal((await ask(other, { Request: 'QueryType' })).Type, 'com.apple.mobile.lockdown')
    }),
    { numRuns: 50 },
  )
})

test('a server can listen on a Unix socket, and frees its path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'virtual-phone-'))
  try {
    const listen = { path: join(folder, 'usbmuxd') }
    {
      await using mux = await openMuxServer({ phones: [], listen, signal: NEVER })
      assert.equal(mux.address, `UNIX:${listen.path}`)
      const again = openMuxServer({ phones: [], listen, signal: NEVER })
      await assert.rejects(again, (error) => isAppError(error, 'virtual-phone.not-listening'))
    }
    await using mux = await openMuxServer({ phones: [], listen, signal: NEVER })
    assert.ok(mux.address.endsWith('usbmuxd'))
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('several phones can be on one server', async () => {
  await using world = await openTestWorld()
  const { phone } = await openTestPhone({ seed: 8 })
  await using second = phone
  assert.equal(world.mux.attach(second), 2)
  await using lockdown = await connectTo(world.mux.address, { deviceId: 2, port: 62078 })
  const answer = await ask(lockdown, { Request: 'GetValue', Key: 'UniqueDeviceID' })
  assert.equal(answer.Value, second.udid)
})

test('a socket that a killed server left is taken over; a file, or a socket somebody listens on, is not', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'virtual-phone-'))
  const path = join(folder.path, 'socket')
  const open = () => openMuxServer({ phones: [], listen: { path }, signal: NEVER })
  await promisify(execFile)(process.execPath, [
    '-e',
    'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))',
    path,
  ]).catch(() => undefined)
  assert.ok((await stat(path)).isSocket())
  {
    await using _server = await open()
    await assert.rejects(open(), (error) => isAppError(error, 'virtual-phone.not-listening'))
  }
  await writeFile(path, 'mine')
  await assert.rejects(open(), (error) => isAppError(error, 'virtual-phone.not-listening'))
  assert.equal(await readFile(path, 'utf8'), 'mine')
})
