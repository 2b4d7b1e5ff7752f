import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { utf8 } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import { encodeXmlPlist } from '../../plist/index.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { encodeMuxHeader } from './frame.ts'
import type { Mux } from './mux.ts'
import { connectDevice, listDevices, readBuid, readPairRecordData, watchDevices } from './mux.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

function frame(body: PlistDict, tag = 1): Uint8Array {
  const payload = encodeXmlPlist(body)
  return Buffer.concat([encodeMuxHeader({ payloadBytes: payload.length, tag }), payload])
}

/** A usbmuxd on a Unix socket that says these bytes to whoever asks anything. */
async function openDaemon(onAsked: (socket: Socket) => void, clock = systemClock) {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-mux-')))
  const server = opened.use(createServer((socket) => socket.once('data', () => onAsked(socket)).on('error', () => {})))
  const path = join(folder.path, 'usbmuxd')
  server.listen(path)
  await once(server, 'listening')
  const rest = opened.move()
  const mux: Mux = { address: { kind: 'socket', path }, clock }
  return { mux, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

test('a missing socket says where it was looked for and what to install', async () => {
  const mux: Mux = { address: { kind: 'socket', path: '/nonexistent/usbmuxd' }, clock: systemClock }
  await assert.rejects(
    listDevices(mux, { signal }),
    (error) => isAppError(error, 'device.no-usbmuxd') && /\/nonexistent\/usbmuxd \(ENOENT\)/.test(error.message),
  )
})

test('a stuck daemon is given up after the time limit', async () => {
  const clock = manualClock()
  await using daemon = await openDaemon(() => clock.pass(15_000), clock)
  await assert.rejects(readBuid(daemon.mux, { signal }), code('device.not-answering'))
})

test('a wait for the daemon ends with the reason of the abort', async () => {
  const abort = new AbortController()
  await using daemon = await openDaemon(() => abort.abort(new Error('enough')))
  await assert.rejects(readBuid(daemon.mux, { signal: abort.signal }), /enough/)
})

test('what the phone says right behind the answer to Connect is not lost', async () => {
  const both = Buffer.concat([frame({ MessageType: 'Result', Number: 0 }), utf8('first words')])
  await using daemon = await openDaemon((socket) => socket.end(both))
  await using channel = await connectDevice(daemon.mux, { deviceId: 1, port: 62_078 }, { signal })
  assert.equal(Buffer.from(await channel.readExactly(11, { signal })).toString(), 'first words')
  assert.equal(await channel.readSome(1, { signal }), undefined)
})

test('entries that name no phone are left out, a missing dash is put back', async () => {
  const entry = (DeviceID: number, Properties: PlistDict) => ({ MessageType: 'Attached', DeviceID, Properties })
  const DeviceList = [
    entry(1, { SerialNumber: '000081200008AB48A562DBB5', ConnectionType: 'USB' }),
    entry(2, { SerialNumber: '../../etc/passwd' }),
    entry(3, {}),
    'nonsense',
    entry(4, {
      SerialNumber: 'a'.repeat(40),
      ConnectionType: 'Network',
      NetworkAddress: Uint8Array.of(2, 0, 0, 0, 10, 0, 0, 7),
    }),
  ]
  await using daemon = await openDaemon((socket) => socket.end(frame({ DeviceList })))
  assert.deepEqual(await listDevices(daemon.mux, { signal }), [
    { deviceId: 1, udid: '00008120-0008AB48A562DBB5', transport: 'usb' },
    { deviceId: 4, udid: 'a'.repeat(40), transport: 'wifi', networkAddress: '10.0.0.7' },
  ])
})

test('a missing pair record is an answer', async () => {
  await using daemon = await openDaemon((socket) => socket.end(frame({ MessageType: 'Result', Number: 2 })))
  assert.equal(await readPairRecordData(daemon.mux, 'a'.repeat(40), { signal }), undefined)
})

test("an answer to somebody else's question ends the connection", async () => {
  await using daemon = await openDaemon((socket) => socket.end(frame({ BUID: 'x' }, 99)))
  await assert.rejects(readBuid(daemon.mux, { signal }), code('wire.bad-frame'))
})

test('events that are not known are skipped, and the end of the daemon is wire.closed', async () => {
  const events = [
    { MessageType: 'Surprise', DeviceID: 1 },
    { MessageType: 'Paired', DeviceID: 5 },
  ]
  const all = [frame({ MessageType: 'Result', Number: 0 }), ...events.map((event) => frame(event, 0))]
  await using daemon = await openDaemon((socket) => socket.end(Buffer.concat(all)))
  const seen: unknown[] = []
  const watching = (async () => {
    for await (const event of watchDevices(daemon.mux, { signal })) seen.push(event)
  })()
  await assert.rejects(watching, code('wire.closed'))
  assert.deepEqual(seen, [{ kind: 'paired', deviceId: 5 }])
})
