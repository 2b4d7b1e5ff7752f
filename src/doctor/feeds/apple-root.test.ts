import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { NEVER } from '../../base/abort.ts'
import { parseAppleRoot } from './apple-root.ts'
import { FeedFailure, fetchDocument } from './fetch-document.ts'

const ARGUMENTS =
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=Root -addext subjectAltName=IP:127.0.0.1 -keyout - -out -'
const { stdout } = await promisify(execFile)('openssl', ARGUMENTS.split(' '))
const key = /-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----/s.exec(stdout)?.[0]
const cert = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(stdout)?.[0] ?? ''
const { fingerprint256, raw } = new X509Certificate(cert)

test('the root is taken as PEM and as DER, and becomes PEM', () => {
  for (const form of [cert, Buffer.from(cert), raw]) assert.equal(parseAppleRoot(form, fingerprint256)?.trim(), cert)
})

test('a certificate with another fingerprint is refused, and so is what is none', () => {
  for (const other of [cert, raw, '', 'no certificate', raw.subarray(1)]) assert.equal(parseAppleRoot(other), undefined)
  const changed = Buffer.from(raw)
  changed[changed.length - 1]! ^= 1
  assert.equal(parseAppleRoot(changed, fingerprint256), undefined)
})

test('a server is believed only when one of the authorities vouches for it', async () => {
  let asked = 0
  await using server = createServer({ key, cert }, (_request, response) => {
    asked++
    response.end('text')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = new URL(`https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`)
  const options = { bytesMax: 100, signal: NEVER }
  await assert.rejects(fetchDocument(url, options), (error) => error instanceof FeedFailure && error.why === 'offline')
  assert.equal(asked, 0, 'nothing was sent')
  const { body } = await fetchDocument(url, { ...options, ca: [cert] })
  assert.equal(Buffer.from(body ?? []).toString(), 'text')
})
