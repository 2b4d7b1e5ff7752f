import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { finished } from 'node:stream/promises'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { TLSSocketOptions } from 'node:tls'
import { TLSSocket } from 'node:tls'
import { NEVER } from '../../base/abort.ts'
import { utf8 } from '../../base/bytes.ts'
import { openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { makeCertificates } from '../pairing/certificates.ts'
import type { PairRecord } from '../pairing/pair-record.ts'
import { secureChannel } from './tls.ts'

const device = generateKeyPairSync('rsa', { modulusLength: 2048 })
const deviceKey = device.privateKey.export({ type: 'pkcs8', format: 'pem' })
const makeRecord = async (): Promise<PairRecord> => ({
  ...(await makeCertificates(
    device.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    Date.UTC(2026, 0, 1),
  )),
  hostId: 'h',
  systemBuid: 'b',
})
const record = await makeRecord()
const other = await makeRecord()

/** A phone that shows a certificate over its key, notes what it hears, and echoes it. */
function phoneShowing(cert: string, options: TLSSocketOptions = {}) {
  const [near, far] = duplexPair()
  const heard: string[] = []
  const socket = new TLSSocket(far, {
    isServer: true,
    cert,
    key: deviceKey,
    requestCert: true,
    ...options,
    rejectUnauthorized: false,
  })
  socket.on('data', (bytes: Buffer) => {
    heard.push(bytes.toString())
    socket.write(bytes)
  })
  socket.on('error', () => undefined)
  return { near: openChannel(near), heard, socket }
}

const options = { age: 'current', signal: NEVER } as const

test('the phone that was paired is talked to, and sees our certificate', async () => {
  const { near, socket } = phoneShowing(record.deviceCertificate)
  await using channel = await secureChannel(near, record, options)
  await channel.write(utf8('hello'), { signal: NEVER })
  assert.equal(Buffer.from(await channel.readExactly(5, { signal: NEVER })).toString(), 'hello')
  assert.equal(socket.getPeerX509Certificate()?.toString(), record.hostCertificate)
})

test('another certificate is refused before a byte is said, even over the same key', async () => {
  const { near, heard } = phoneShowing(other.deviceCertificate)
  await assert.rejects(secureChannel(near, record, options), (error) => isAppError(error, 'device.wrong-certificate'))
  assert.deepEqual(heard, [])
})

test('a phone that hangs up when we identify ourselves has forgotten us', async () => {
  const [near, far] = duplexPair()
  far.once('data', () => far.end())
  await assert.rejects(secureChannel(openChannel(near), record, options), (error) =>
    isAppError(error, 'device.not-paired'),
  )
})

for (const [how, hangUp] of [
  ['ends its side', (socket: Socket) => socket.resume().end('x')],
  ['is gone', (socket: Socket) => socket.end('x', () => socket.destroy())],
] as const) {
  test(`a phone that ${how} before TLS has begun has forgotten us`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-tls-'))
    await using server = createServer(hangUp).listen(join(folder.path, 'phone'))
    const channel = openChannel(connect(join(folder.path, 'phone')))
    const left = once(server, 'connection').then(([socket]) => finished(socket, { readable: false }))
    await channel.readExactly(1, { signal: NEVER })
    await left
    for (let turns = 0; turns < 3; turns++) await setImmediate()
    await assert.rejects(secureChannel(channel, record, options), (error) => isAppError(error, 'device.not-paired'))
  })
}

test('what is no TLS is a failed connection', async () => {
  const [near, far] = duplexPair()
  far.once('data', () => far.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await assert.rejects(secureChannel(openChannel(near), record, options), (error) =>
    isAppError(error, 'device.tls-failed'),
  )
})

test('a key that does not fit our certificate is a failed connection, and ends it', async () => {
  const [near] = duplexPair()
  const unfit = { ...record, hostPrivateKey: other.hostPrivateKey }
  await assert.rejects(secureChannel(openChannel(near), unfit, options), (error) =>
    isAppError(error, 'device.tls-failed'),
  )
  assert.equal(near.destroyed, true)
})

test('a handshake that never ends is left by aborting', async () => {
  const [near] = duplexPair()
  const abort = new AbortController()
  const securing = secureChannel(openChannel(near), record, { age: 'current', signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(securing, /enough/)
})

test('a phone that only speaks TLS 1.0 is reached in the old way, and not in the current one', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const refused = secureChannel(phoneShowing(record.deviceCertificate, old).near, record, options)
  await assert.rejects(refused, (error) => isAppError(error, 'device.tls-failed'))
  const { near, socket } = phoneShowing(record.deviceCertificate, old)
  await using _ = await secureChannel(near, record, { age: 'legacy', signal: NEVER })
  assert.equal(socket.getProtocol(), 'TLSv1')
})
