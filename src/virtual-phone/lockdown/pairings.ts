import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { equalBytes, fromUtf8 } from '../../base/bytes.ts'
import { randomBytes } from '../../base/random.ts'
import { bytesOf, type PlistDict, textOf } from '../../plist/index.ts'
import { Listeners } from '../listeners.ts'

/** A computer that the phone trusts. */
export interface Pairing {
  readonly hostId: string
  /** For TLS: the certificate that the computer made for this phone, with the phone's own key. */
  readonly secureContext: SecureContext
  /** DER. A computer shows one of the two when TLS starts: libimobiledevice the root's, all others the host's. */
  readonly hostCertificates: readonly [host: Uint8Array, root: Uint8Array]
  readonly escrowBag: Uint8Array
}

export type PairError = 'MissingPairRecord' | 'MissingHostID' | 'InvalidHostID' | 'InvalidPairRecord'

/** Above it the oldest pairing is forgotten, so that a host that pairs for ever costs no memory. */
const PAIRINGS_MAX = 256

/** The computers that one phone trusts, and the phone's key. */
export class Pairings {
  /** Told when a computer is trusted, or trusted no more. */
  readonly changes = new Listeners<void>()
  readonly #key: KeyObject
  readonly #oldestTlsVersion: 'TLSv1' | 'TLSv1.2'
  readonly #byHostId = new Map<string, Pairing>()

  constructor({ key, oldestTlsVersion }: { key: KeyObject; oldestTlsVersion: 'TLSv1' | 'TLSv1.2' }) {
    this.#key = key
    this.#oldestTlsVersion = oldestTlsVersion
  }

  /** PEM, PKCS#1, as lockdownd gives it for `DevicePublicKey`. */
  get publicKeyPem(): string {
    return createPublicKey(this.#key).export({ type: 'pkcs1', format: 'pem' }).toString()
  }

  /** Of the computers that are trusted now, the newest last. */
  get hostIds(): readonly string[] {
    return [...this.#byHostId.keys()]
  }

  get(hostId: string): Pairing | undefined {
    return this.#byHostId.get(hostId)
  }

  /** Trusts the computer that made this record. Its device certificate must hold the phone's public key. */
  add(record: PlistDict | undefined): Pairing | PairError {
    if (record === undefined) return 'MissingPairRecord'
    const hostId = textOf(record.HostID)
    if (hostId === undefined) return 'MissingHostID'
    const certificates = parseCertificates(record)
    const secureContext = certificates && this.#secureContext(certificates.device)
    if (certificates === undefined || secureContext === undefined) return 'InvalidPairRecord'
    const pairing: Pairing = {
      hostId,
      secureContext,
      hostCertificates: [certificates.host.raw, certificates.root.raw],
      escrowBag: randomBytes(32),
    }
    this.#byHostId.delete(hostId)
    this.#byHostId.set(hostId, pairing)
    if (this.#byHostId.size > PAIRINGS_MAX) this.#byHostId.delete(this.#byHostId.keys().next().value!)
    this.changes.tell()
    return pairing
  }

  /** Is this the record of a computer that is trusted now? Undefined when it is. */
  verify(record: PlistDict | undefined): PairError | undefined {
    if (record === undefined) return 'MissingPairRecord'
    const hostId = textOf(record.HostID)
    if (hostId === undefined) return 'MissingHostID'
    const pairing = this.#byHostId.get(hostId)
    if (pairing === undefined) return 'InvalidHostID'
    const host = parseCertificates(record)?.host
    return host !== undefined && equalBytes(host.raw, pairing.hostCertificates[0]) ? undefined : 'InvalidPairRecord'
  }

  /** Stops trusting the computer. libimobiledevice proves nothing here but that it knows the host ID. */
  remove(record: PlistDict | undefined): PairError | undefined {
    if (record === undefined) return 'MissingPairRecord'
    const hostId = textOf(record.HostID)
    if (hostId === undefined) return 'MissingHostID'
    if (!this.#byHostId.delete(hostId)) return 'InvalidHostID'
    this.changes.tell()
    return undefined
  }

  /** The person resets "Location & Privacy": no computer is trusted any more. */
  forgetAll(): void {
    this.#byHostId.clear()
    this.changes.tell()
  }

  /**
   * TLS 1.2 at most, as no capture proves more of iOS. Security level 0, since libimobiledevice 1.3.0 signs with SHA-1.
   * Undefined for a certificate that does not hold the phone's public key. Source: docs/protocol/lockdown.md#tls
   */
  #secureContext(deviceCertificate: X509Certificate): SecureContext | undefined {
    try {
      return createSecureContext({
        cert: deviceCertificate.toString(),
        key: this.#key.export({ type: 'pkcs8', format: 'pem' }),
        minVersion: this.#oldestTlsVersion,
        maxVersion: 'TLSv1.2',
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
    } catch {
      return undefined
    }
  }
}

interface Certificates {
  readonly device: X509Certificate
  readonly host: X509Certificate
  readonly root: X509Certificate
}

/** Undefined if one of the three is missing or no certificate. */
function parseCertificates(record: PlistDict): Certificates | undefined {
  const device = parseCertificate(bytesOf(record.DeviceCertificate))
  const host = parseCertificate(bytesOf(record.HostCertificate))
  const root = parseCertificate(bytesOf(record.RootCertificate))
  return device && host && root ? { device, host, root } : undefined
}

/** PEM text; some hosts leave out the newline at its end. */
function parseCertificate(pem: Uint8Array | undefined): X509Certificate | undefined {
  if (pem === undefined) return undefined
  try {
    return new X509Certificate(`${fromUtf8(pem).trimEnd()}\n`)
  } catch {
    return undefined
  }
}
