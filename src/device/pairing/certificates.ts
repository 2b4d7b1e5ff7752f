import type { KeyObject } from 'node:crypto'
import { createHash, createPublicKey, generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { Secret } from '../../base/secret.ts'
import { bitString, explicit, NULL, objectId, octetString, sequence, smallInteger, TRUE, time } from './der.ts'
import { encodePem } from './pem.ts'

/** What a host makes once for each phone it pairs with; certificates as PEM. */
export interface PairingCertificates {
  readonly rootCertificate: string
  readonly rootPrivateKey: Secret
  readonly hostCertificate: string
  readonly hostPrivateKey: Secret
  readonly deviceCertificate: string
}

const DAY_MS = 86_400_000
const KEY_BITS = 2048

/**
 * Makes the three X.509 v3 certificates of a pairing, all signed with a fresh root key: root (a CA), host, and the phone's,
 * over the phone's own public key. Names are empty, the serial is 1, valid from a day ago (the phone's clock may be behind)
 * for ten years. Source: docs/protocol/lockdown.md.
 */
export async function makeCertificates(devicePublicKeyPem: string, nowMs: number): Promise<PairingCertificates> {
  const [root, host] = await Promise.all([makeKeys(), makeKeys()])
  const device = createPublicKey(devicePublicKeyPem)
  const issue = (publicKey: KeyObject, extensions: readonly Uint8Array[]) =>
    encodePem('CERTIFICATE', certificate({ publicKey, extensions, signingKey: root.privateKey, nowMs }))
  return {
    rootCertificate: issue(root.publicKey, [basicConstraints({ ca: true })]),
    rootPrivateKey: secretPem(root.privateKey),
    hostCertificate: issue(host.publicKey, [basicConstraints({ ca: false }), keyUsage()]),
    hostPrivateKey: secretPem(host.privateKey),
    deviceCertificate: issue(device, [basicConstraints({ ca: false }), keyUsage(), subjectKeyIdentifier(device)]),
  }
}

function makeKeys(): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return promisify(generateKeyPair)('rsa', { modulusLength: KEY_BITS })
}

function secretPem(key: KeyObject): Secret {
  return new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString())
}

interface CertificateParts {
  readonly publicKey: KeyObject
  readonly extensions: readonly Uint8Array[]
  readonly signingKey: KeyObject
  readonly nowMs: number
}

/** RFC 5280 section 4.1. */
function certificate({ publicKey, extensions, signingKey, nowMs }: CertificateParts): Uint8Array {
  const algorithm = sequence(objectId('1.2.840.113549.1.1.11'), NULL)
  const noName = sequence()
  const toBeSigned = sequence(
    explicit(0, smallInteger(2)),
    smallInteger(1),
    algorithm,
    noName,
    sequence(time(nowMs - DAY_MS), time(nowMs + 10 * 365 * DAY_MS)),
    noName,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  )
  return sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, signingKey)))
}

function basicConstraints({ ca }: { ca: boolean }): Uint8Array {
  return sequence(objectId('2.5.29.19'), TRUE, octetString(ca ? sequence(TRUE) : sequence()))
}

/** digitalSignature and keyEncipherment: bits 0 and 2. */
function keyUsage(): Uint8Array {
  return sequence(objectId('2.5.29.15'), TRUE, octetString(bitString(Uint8Array.of(0xa0), 5)))
}

function subjectKeyIdentifier(key: KeyObject): Uint8Array {
  const hash = createHash('sha1')
    .update(key.export({ type: 'pkcs1', format: 'der' }))
    .digest()
  return sequence(objectId('2.5.29.14'), octetString(octetString(hash)))
}
