import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { randomUuid } from '../../base/random.ts'

/** What a host makes when it pairs with a phone: a pair record and the private keys that go with it. */
export interface HostKeys {
  readonly record: { readonly [key: string]: string | Uint8Array }
  readonly hostKeyPem: string
  readonly rootKeyPem: string
}

interface MakeOptions {
  readonly devicePublicKeyPem: string
  /** A computer of one's own; otherwise all hosts of a test file share their key pairs, which take long to make. */
  readonly computer?: ReturnType<typeof makeComputer>
}

export function makeComputer() {
  const makePair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { root: makePair(), host: makePair() }
}

const MINE = makeComputer()

/** Three certificates with empty names, as pymobiledevice3 makes them; the smallest form that TLS accepts. */
export function makeHostKeys({ devicePublicKeyPem, computer = MINE }: MakeOptions): HostKeys {
  const { root, host } = computer
  const device = createPublicKey(devicePublicKeyPem)
  const certificate = (subject: KeyObject) => utf8(certificatePem(subject, root.privateKey))
  return {
    record: {
      HostID: randomUuid(),
      SystemBUID: randomUuid(),
      RootCertificate: certificate(root.publicKey),
      HostCertificate: certificate(host.publicKey),
      DeviceCertificate: certificate(device),
    },
    hostKeyPem: keyPem(host.privateKey),
    rootKeyPem: keyPem(root.privateKey),
  }
}

function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** X.509 v3 without extensions; serial 1, valid from 2020 to 2049. Source: RFC 5280, section 4.1 */
function certificatePem(subject: KeyObject, signer: KeyObject): string {
  const noName = der(0x30)
  const body = der(
    0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(1)),
    SHA256_WITH_RSA,
    noName,
    der(0x30, der(0x17, utf8('200101000000Z')), der(0x17, utf8('491231235959Z'))),
    noName,
    subject.export({ type: 'spki', format: 'der' }),
  )
  const signature = concatBytes([Uint8Array.of(0), sign('sha256', body, signer)])
  const certificate = der(0x30, body, SHA256_WITH_RSA, der(0x03, signature))
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** 1.2.840.113549.1.1.11 and NULL. */
const SHA256_WITH_RSA = Uint8Array.fromHex('300d06092a864886f70d01010b0500')

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes([...contents, new Uint8Array(0)])
  return concatBytes([Uint8Array.of(tag, ...derSize(content.length)), content])
}

function derSize(size: number): readonly number[] {
  if (size < 0x80) return [size]
  return size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
}
