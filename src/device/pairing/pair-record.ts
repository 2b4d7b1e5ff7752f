import { createPrivateKey, X509Certificate } from 'node:crypto'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { Secret } from '../../base/secret.ts'
import type { PlistDict } from '../../plist/index.ts'
import { bytesOf, dictOf, encodeXmlPlist, parsePlist, textOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import type { PairingCertificates } from './certificates.ts'
import { normalisePem } from './pem.ts'

/**
 * What a host and a phone agreed on when the phone's owner tapped Trust: with it a host may talk to the phone until the trust
 * is taken back. A secret as a whole. Certificates and keys have been parsed once and are laid out as PEM.
 */
export interface PairRecord extends PairingCertificates {
  /** A UUID; we use a fresh one for each phone. */
  readonly hostId: string
  readonly systemBuid: string
  /** Base64. Lets services start while the phone is locked. Supervised phones that were locked do not give one. */
  readonly escrowBag?: Secret
  readonly wifiMacAddress?: string
}

/** Reads a pair record file, ours or any other program's, XML or binary. Throws `device.bad-pair-record`. */
export function parsePairRecord(data: Uint8Array): PairRecord {
  const dict = dictOf(readRecordPlist(data)) ?? {}
  const escrowBag = bytesOf(dict.EscrowBag)
  const wifiMacAddress = textOf(dict.WiFiMACAddress)
  const record = {
    hostId: text(dict, 'HostID'),
    systemBuid: text(dict, 'SystemBUID'),
    rootCertificate: certificatePem(dict, 'RootCertificate'),
    rootPrivateKey: privateKeyPem(dict, 'RootPrivateKey'),
    hostCertificate: certificatePem(dict, 'HostCertificate'),
    hostPrivateKey: privateKeyPem(dict, 'HostPrivateKey'),
    deviceCertificate: certificatePem(dict, 'DeviceCertificate'),
    ...(escrowBag !== undefined && { escrowBag: new Secret(Buffer.from(escrowBag).toString('base64')) }),
    ...(wifiMacAddress !== undefined && { wifiMacAddress }),
  }
  if (!belongTogether(record)) throw badRecord("holds a HostPrivateKey that is not the HostCertificate's")
  return record
}

/** The pair record file that usbmuxd and other programs read: an XML property list. Holds the private keys in the clear. */
export function encodePairRecord(record: PairRecord): Uint8Array {
  return encodeXmlPlist({
    ...publicPart(record),
    HostPrivateKey: utf8(record.hostPrivateKey.reveal()),
    RootPrivateKey: utf8(record.rootPrivateKey.reveal()),
    ...escrowPart(record),
    ...(record.wifiMacAddress !== undefined && { WiFiMACAddress: record.wifiMacAddress }),
  })
}

/** The part that is shown to the phone when pairing: no private keys. */
export function publicPart(record: PairRecord): PlistDict {
  return {
    DeviceCertificate: utf8(record.deviceCertificate),
    HostCertificate: utf8(record.hostCertificate),
    HostID: record.hostId,
    RootCertificate: utf8(record.rootCertificate),
    SystemBUID: record.systemBuid,
  }
}

/** The escrow bag as pair record files and StartService carry it; nothing when there is none. */
export function escrowPart({ escrowBag }: PairRecord): PlistDict {
  return escrowBag === undefined ? {} : { EscrowBag: Buffer.from(escrowBag.reveal(), 'base64') }
}

function readRecordPlist(data: Uint8Array) {
  try {
    return parsePlist(data)
  } catch (cause) {
    throw badRecord('is not a property list', cause)
  }
}

function text(dict: PlistDict, key: string): string {
  const value = textOf(dict[key])
  if (value === undefined) throw badRecord(`has no ${key}`)
  return value
}

function certificatePem(dict: PlistDict, key: string): string {
  return checkedPem(dict, key, (pem) => new X509Certificate(pem))
}

function privateKeyPem(dict: PlistDict, key: string): Secret {
  return new Secret(checkedPem(dict, key, (pem) => createPrivateKey(pem)))
}

function belongTogether({ hostCertificate, hostPrivateKey }: PairingCertificates): boolean {
  return new X509Certificate(hostCertificate).checkPrivateKey(createPrivateKey(hostPrivateKey.reveal()))
}

function checkedPem(dict: PlistDict, key: string, parse: (pem: string) => unknown): string {
  const bytes = bytesOf(dict[key])
  const pem = bytes === undefined ? undefined : normalisePem(fromUtf8(bytes))
  if (pem === undefined) throw badRecord(`has no usable ${key}`)
  try {
    parse(pem)
  } catch {
    throw badRecord(`holds a damaged ${key}`)
  }
  return pem
}

/** `why` completes the sentence "The pair record of this phone …". */
export function badRecord(why: string, cause?: unknown): Error {
  return deviceError('device.bad-pair-record', `The pair record of this phone ${why}`, {
    remedy: 'Pair the phone again by cable, which replaces the record',
    cause,
  })
}
