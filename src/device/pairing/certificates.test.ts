import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { hex } from '../testing/wire.ts'
import { makeCertificates } from './certificates.ts'
import { bitString, objectId, octetString, sequence, smallInteger, time } from './der.ts'
import { encodePem, normalisePem } from './pem.ts'

const NOW_MS = Date.UTC(2026, 6, 1)
const device = generateKeyPairSync('rsa', { modulusLength: 2048 })
const devicePem = device.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const made = await makeCertificates(devicePem, NOW_MS)
const root = new X509Certificate(made.rootCertificate)
const host = new X509Certificate(made.hostCertificate)
const phone = new X509Certificate(made.deviceCertificate)

/** X.690: 8.3, 8.19 (the object identifier is the specification's own example), 8.6, 8.1.3 long lengths. */
test('DER is written as X.690 says', () => {
  assert.deepEqual(smallInteger(2), hex('02 01 02'))
  assert.deepEqual(objectId('2.999.3'), hex('06 03 88 37 03'))
  assert.deepEqual(objectId('1.2.840.113549.1.1.11'), hex('06 09 2a 86 48 86 f7 0d 01 01 0b'))
  assert.deepEqual(bitString(hex('a0'), 5), hex('03 02 05 a0'))
  assert.deepEqual(sequence(), hex('30 00'))
  assert.deepEqual(octetString(new Uint8Array(200)).subarray(0, 3), hex('04 81 c8'))
  assert.deepEqual(octetString(new Uint8Array(70_000)).subarray(0, 5), hex('04 83 01 11 70'))
})

/** RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
test('times change their form in 2050', () => {
  assert.equal(Buffer.from(time(Date.UTC(2049, 11, 31, 23, 59, 59)).subarray(2)).toString(), '491231235959Z')
  assert.equal(Buffer.from(time(Date.UTC(2050, 0, 1)).subarray(2)).toString(), '20500101000000Z')
})

test('all three certificates are signed by the root and carry the right keys', () => {
  const rootKey = createPublicKey(made.rootPrivateKey.reveal())
  for (const certificate of [root, host, phone]) assert.equal(certificate.verify(rootKey), true)
  assert.equal(host.checkPrivateKey(createPrivateKey(made.hostPrivateKey.reveal())), true)
  assert.equal(root.checkPrivateKey(createPrivateKey(made.rootPrivateKey.reveal())), true)
  assert.equal(phone.checkPrivateKey(device.privateKey), true)
})

test('only the root is an authority; names are empty, the serial is 1, ten years from yesterday', () => {
  assert.deepEqual([root.ca, host.ca, phone.ca], [true, false, false])
  for (const { subject, issuer, serialNumber, validFromDate, validToDate } of [root, host, phone]) {
    assert.deepEqual([subject ?? '', issuer ?? '', serialNumber], ['', '', '01'])
    assert.equal(validFromDate.getTime(), NOW_MS - 86_400_000)
    assert.equal(validToDate.getTime(), NOW_MS + 3650 * 86_400_000)
  }
})

test('OpenSSL reads the extensions as meant', () => {
  const read = (pem: string) => {
    const { stdout, error } = spawnSync('openssl', ['x509', '-noout', '-text'], { input: pem, encoding: 'utf8' })
    assert.equal(error, undefined, 'this test needs the openssl command')
    return stdout
  }
  assert.match(read(made.rootCertificate), /Basic Constraints: critical\s+CA:TRUE/)
  assert.match(read(made.hostCertificate), /Basic Constraints: critical\s+CA:FALSE/)
  assert.match(read(made.hostCertificate), /Key Usage: critical\s+Digital Signature, Key Encipherment\n/)
  assert.match(read(made.deviceCertificate), /Subject Key Identifier:\s+([0-9A-F]{2}:){19}[0-9A-F]{2}/)
  assert.match(read(made.deviceCertificate), /Signature Algorithm: sha256WithRSAEncryption/)
})

test('PEM of any making is laid out afresh', () => {
  const neat = encodePem('CERTIFICATE', root.raw)
  assert.equal(new X509Certificate(neat).fingerprint256, root.fingerprint256)
  const base64 = root.raw.toString('base64')
  for (const messy of [
    neat.trimEnd(),
    `${neat}\0`,
    neat.replaceAll('\n', '\r\n'),
    `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`,
    `Bag Attributes: x\n${neat}`,
  ]) {
    assert.equal(normalisePem(messy), neat)
  }
  for (const wrong of ['', 'hello', '-----BEGIN CERTIFICATE-----', neat.replace('END CERTIFICATE', 'END KEY')]) {
    assert.equal(normalisePem(wrong), undefined)
  }
})
