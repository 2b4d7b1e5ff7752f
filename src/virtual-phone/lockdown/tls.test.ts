import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { makeHostKeys } from '../testing/certificates.ts'
import { secure } from '../testing/host.ts'
import { Pairings } from './pairings.ts'
import { startTls } from './tls.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pairings = new Pairings({ key: privateKey, oldestTlsVersion: 'TLSv1.2' })
const keys = makeHostKeys({ devicePublicKeyPem: pairings.publicKeyPem })
const pairing = pairings.add(keys.record)
assert(typeof pairing === 'object')

const isClosed = (error: unknown) => isAppError(error, 'wire.closed')

test('what a host sends right after its first request is not lost to TLS', async () => {
  const [near, far] = duplexPair()
  const phone = openChannel(far)
  near.write('hello')
  const host = secure(near, keys)
  await host.write(Buffer.from('inside'), { signal: NEVER })
  await phone.readExactly(5, { signal: NEVER })
  const { stream, certificate } = await startTls(phone.detach(), pairing, { signal: NEVER })
  assert.equal(certificate, 'host')
  const inside = openChannel(stream)
  assert.equal(Buffer.from(await inside.readExactly(6, { signal: NEVER })).toString(), 'inside')
})

test('a host that ends the connection instead of starting TLS is not waited for', async () => {
  const [near, far] = duplexPair()
  const phone = openChannel(far)
  near.end('hello')
  await phone.readExactly(5, { signal: NEVER })
  await assert.rejects(startTls(phone.detach(), pairing, { signal: NEVER }), isClosed)
})

test('a host that says anything else than TLS is let go', async () => {
  const [near, far] = duplexPair()
  near.write(new Uint8Array(100))
  await assert.rejects(startTls(far, pairing, { signal: NEVER }), isClosed)
})

test('a stream that is gone already is refused', async () => {
  const [, far] = duplexPair()
  far.destroy()
  await assert.rejects(startTls(far, pairing, { signal: NEVER }), isClosed)
})

test('waiting for TLS ends with the signal, and so does the stream', async () => {
  const [, far] = duplexPair()
  const aborting = new AbortController()
  const started = assert.rejects(startTls(far, pairing, { signal: aborting.signal }), /enough/)
  aborting.abort(new Error('enough'))
  await started
  assert.ok(far.destroyed)
})
