import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { viewOf } from '../../base/bytes.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { encodeBinaryPlist, encodeXmlPlist, type Plist, PlistReal, parsePlist } from '../../plist/index.ts'
import { PASSCODE_SHEET_MS } from '../condition/index.ts'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost } from '../testing/scripted-host.ts'
import { serveBackup } from './serve-backup.ts'

const BACKUP = { MessageName: 'Backup' }
const signal = NEVER

function connect(phone: PhoneForTests): { host: ByteChannel; served: Promise<void>; close: () => void } {
  const [left, right] = duplexPair()
  const channel = openChannel(left)
  const served = serveBackup(channel, phone, { signal }).finally(() => channel[Symbol.asyncDispose]())
  served.catch(() => undefined)
  return { host: openChannel(right), served, close: () => right.end() }
}

async function receive(host: ByteChannel): Promise<Plist> {
  const size = viewOf(await host.readExactly(4, { signal })).getUint32(0)
  return parsePlist(await host.readExactly(size, { signal }))
}

async function send(host: ByteChannel, body: Uint8Array): Promise<void> {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  await host.write([head, body], { signal })
}

/** Up to the DLMessageDeviceReady. */
async function greet(host: ByteChannel): Promise<void> {
  await receive(host)
  await send(host, encodeBinaryPlist(['DLMessageVersionExchange', 'DLVersionsOk', 400]))
  await receive(host)
}

const hello = (versions: readonly Plist[]) => [
  'DLMessageProcessMessage',
  { MessageName: 'Hello', SupportedProtocolVersions: versions },
]

test('the phone speaks first, in binary: version 400, 0; then it is ready', async () => {
  const { host, close } = connect(newPhone({ files: 1, bytes: 1 }))
  assert.deepEqual(await receive(host), ['DLMessageVersionExchange', 400, 0])
  await send(host, encodeXmlPlist(['DLMessageVersionExchange', 'DLVersionsOk', 300]))
  assert.deepEqual(await receive(host), ['DLMessageDeviceReady'])
  close()
})

test('a host that refuses the version ends the session without an error', async () => {
  const { host, served } = connect(newPhone({ files: 1, bytes: 1 }))
  await receive(host)
  await send(host, encodeBinaryPlist(['DLMessageVersionExchange', 'DLErrorConnectingProtocolGreater']))
  await served
})

test('Hello is answered with an integer code and the version as a real', async () => {
  const { host, close } = connect(newPhone({ files: 1, bytes: 1 }))
  await greet(host)
  await send(host, encodeBinaryPlist(hello([new PlistReal(2), new PlistReal(2.1)])))
  const size = viewOf(await host.readExactly(4, { signal })).getUint32(0)
  const body = Buffer.from(await host.readExactly(size, { signal }))
  assert.equal(body.toString('latin1', 0, 8), 'bplist00')
  assert.ok(body.includes(Buffer.from('234000cccccccccccd', 'hex')), 'the 8-byte real 2.1')
  close()
})

test('without a common protocol version Hello is answered with error 1', async () => {
  const { host, close } = connect(newPhone({ files: 1, bytes: 1 }))
  await greet(host)
  await send(host, encodeBinaryPlist(hello([new PlistReal(3)])))
  const [, response] = (await receive(host)) as readonly Plist[]
  assert.deepEqual(
    { ...(response as object) },
    {
      MessageName: 'Response',
      ErrorCode: 1,
      ErrorDescription: 'No common supported protocol version (MBErrorDomain/1)',
    },
  )
  close()
})

test('a request for another phone is hung up on', async () => {
  const { host, served } = connect(newPhone({ files: 1, bytes: 1 }))
  await greet(host)
  await send(host, encodeBinaryPlist(['DLMessageProcessMessage', { ...BACKUP, TargetIdentifier: 'another' }]))
  await served
})

test('an unknown request gets a disconnect with the reason', async () => {
  const { host, served } = connect(newPhone({ files: 1, bytes: 1 }))
  await greet(host)
  await send(host, encodeBinaryPlist(['DLMessageProcessMessage', { MessageName: 'Dance', TargetIdentifier: UDID }]))
  assert.deepEqual(await receive(host), ['DLMessageDisconnect', 'Unknown Message Received'])
  await assert.rejects(served, (error) => isAppError(error, 'wire.bad-frame'))
})

test('a ping is passed over', async () => {
  const { host, close } = connect(newPhone({ files: 1, bytes: 1 }))
  await receive(host)
  await send(host, encodeBinaryPlist(['DLMessagePing', 'hello?']))
  await send(host, encodeBinaryPlist(['DLMessageVersionExchange', 'DLVersionsOk', 400]))
  assert.deepEqual(await receive(host), ['DLMessageDeviceReady'])
  close()
})

for (const [what, bytes] of [
  ['a message of 4 GiB', Buffer.from('ffffffff00', 'hex')],
  ['garbage', Buffer.from('00000004deadbeef', 'hex')],
  ['a dictionary', Buffer.concat([Buffer.from('0000002a', 'hex'), encodeBinaryPlist({})]).subarray(0, 46)],
  ['a message of no bytes', Buffer.alloc(4)],
] as const) {
  test(`${what} from the host ends the session with an error`, async () => {
    const { host, served } = connect(newPhone({ files: 1, bytes: 1 }))
    await receive(host)
    await host.write(bytes, { signal })
    await assert.rejects(served, (error) => isAppError(error, 'wire.bad-frame') || isAppError(error, 'plist.malformed'))
  })
}

test('a phone that is managed, not set up, or told to encrypt does not begin', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  const codeAfter = async () => {
    const { response, transcript } = await hold(newHost(), phone, BACKUP)
    assert.deepEqual(transcript, [])
    return response?.ErrorCode
  }
  phone.lockdown.set('com.apple.mobile.backup', 'WillEncrypt', true)
  assert.equal(await codeAfter(), 207)
  phone.condition.set({ isSetUp: false })
  assert.equal(await codeAfter(), 212)
  phone.condition.set({ forbidsBackup: true })
  assert.equal(await codeAfter(), 22)
})

const SHEET = ['com.apple.LocalAuthentication.ui.presented', 'com.apple.LocalAuthentication.ui.dismissed']

test('a refused passcode is error 208, with the sheet shown and taken away, and not a word over the link', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  phone.condition.set({ passcode: '1234', passcodePrompt: 'refuse' })
  const { response, transcript } = await hold(newHost(), phone, BACKUP)
  assert.deepEqual(
    { ...response },
    {
      MessageName: 'Response',
      ErrorCode: 208,
      ErrorDescription: 'Device locked (MBErrorDomain/208)',
    },
  )
  assert.deepEqual(transcript, [])
  assert.deepEqual(phone.posted, SHEET)
})

test('an entered passcode lets the backup begin', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  phone.condition.set({ passcode: '1234' })
  phone.onPost = () => queueMicrotask(() => phone.condition.passcodeSheet.enter())
  const { response } = await hold(newHost(), phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.deepEqual(phone.posted, SHEET)
})

test('a sheet that nobody looks at goes away after three minutes, with error 208', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  phone.condition.set({ passcode: '1234' })
  phone.onPost = () => queueMicrotask(() => phone.clock.pass(PASSCODE_SHEET_MS))
  const { response } = await hold(newHost(), phone, BACKUP)
  assert.equal(response?.ErrorCode, 208)
})

test('a host that leaves while the sheet is shown takes it away', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  phone.condition.set({ passcode: '1234' })
  const { host, served, close } = connect(phone)
  phone.onPost = () => close()
  await greet(host)
  await send(host, encodeBinaryPlist(['DLMessageProcessMessage', { ...BACKUP, TargetIdentifier: UDID }]))
  await served
  assert.equal(phone.condition.passcodeSheet.isShown, false)
  assert.deepEqual(phone.posted, SHEET)
})

test('Info tells of every domain, List of every entry', async () => {
  const phone = newPhone({ files: 60, bytes: 20_000 })
  const host = newHost()
  await hold(host, phone, BACKUP)
  const info = String((await hold(host, phone, { MessageName: 'Info' })).response?.Content)
  assert.match(info, /^Status: finished, version 3.3\nManifest: unencrypted\n/)
  assert.ok(info.includes('\tHomeDomain\n'))
  const list = String((await hold(host, phone, { MessageName: 'List' })).response?.Content)
  const { files, folders, links } = phone.contents.totals
  assert.ok(list.startsWith('ID,Digest,Mode,'))
  assert.ok(list.split('\n').length >= files + folders + links + 2)
})

test('Info without a backup is error 205', async () => {
  const { response } = await hold(newHost(), newPhone({ files: 1, bytes: 1 }), { MessageName: 'Info' })
  assert.equal(response?.ErrorCode, 205)
})
