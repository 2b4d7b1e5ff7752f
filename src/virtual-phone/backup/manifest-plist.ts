import { createCipheriv, hkdfSync, pbkdf2Sync } from 'node:crypto'
import { concatBytes, utf8, viewOf } from '../../base/bytes.ts'
import { boolOf, dictOf, encodeBinaryPlist, type PlistDict, parsePlist } from '../../plist/index.ts'
import { BackupError, MB } from './backup-error.ts'
import { type BackupPhone, timeOfBackup } from './backup-phone.ts'

/** Manifest.plist of an unencrypted backup. Source: docs/protocol/mobilebackup2.md#manifest */
export function encodeManifestPlist(phone: BackupPhone): Uint8Array {
  return encodeBinaryPlist({
    Version: '10.0',
    Date: timeOfBackup(phone),
    SystemDomainsVersion: '24.0',
    IsEncrypted: false,
    WasPasscodeSet: phone.agent.passcode.habit !== 'no-passcode',
    BackupKeyBag: makeKeyBag(phone.udid),
    Applications: applicationsOf(phone),
    Lockdown: lockdownOf(phone),
  })
}

/** Throws `BackupError`: 11 for what is no such plist, 207 for that of an encrypted backup. */
export function checkManifestPlist(bytes: Uint8Array): void {
  const manifest = parseManifest(bytes)
  if (manifest === undefined) throw new BackupError(MB.unparsable, 'Manifest.plist cannot be read')
  if (boolOf(manifest.IsEncrypted)) throw new BackupError(MB.password, 'The encryption setting differs')
}

function parseManifest(bytes: Uint8Array): PlistDict | undefined {
  try {
    return dictOf(parsePlist(bytes))
  } catch {
    return undefined
  }
}

function applicationsOf({ contents }: BackupPhone): PlistDict {
  return Object.fromEntries(
    contents.apps.map(({ bundleId, version, name, category }) => [
      bundleId,
      {
        CFBundleIdentifier: bundleId,
        CFBundleVersion: version,
        ContainerContentClass: 'Data/Application',
        ...(category === 'User' && { Path: `/var/containers/Bundle/Application/${bundleId}/${name}.app` }),
      },
    ]),
  )
}

const LOCKDOWN_KEYS = [
  'BuildVersion',
  'DeviceName',
  'ProductType',
  'ProductVersion',
  'SerialNumber',
  'UniqueDeviceID',
] as const

const LOCKDOWN_DOMAINS = [
  'com.apple.Accessibility',
  'com.apple.MobileDeviceCrashCopy',
  'com.apple.TerminalFlashr',
  'com.apple.mobile.data_sync',
  'com.apple.mobile.iTunes.accessories',
  'com.apple.mobile.wireless_lockdown',
] as const

function lockdownOf({ lockdown }: BackupPhone): PlistDict {
  const values = LOCKDOWN_KEYS.map((key) => [key, lockdown.get('', key) ?? ''] as const)
  const domains = LOCKDOWN_DOMAINS.map((domain) => [domain, {}] as const)
  return Object.fromEntries([...values, ...domains])
}

/** Protection classes and whether the empty password alone opens them (2), or also this phone's own key is needed (3). */
const CLASS_WRAPS = [2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3] as const
const ITERATIONS = 10_000
const CLASS_KEY_BYTES = 32
const WRAPPED_BYTES = 40

/**
 * A keybag locked with the empty password: tag, u32 big-endian length, value; a header and eleven classes, 1,336 bytes. A phone
 * always has the same one; there is no secret in it.
 */
export function makeKeyBag(udid: string): Uint8Array {
  const bytes = (label: string, size: number) => new Uint8Array(hkdfSync('sha256', udid, '', label, size))
  const salt = bytes('salt', 20)
  const lock = pbkdf2Sync('', salt, ITERATIONS, 32, 'sha1')
  const classes = CLASS_WRAPS.flatMap((wrap, index) => [
    tlv('UUID', bytes(`class ${index} UUID`, 16)),
    tlv('CLAS', u32(index + 1)),
    tlv('WRAP', u32(wrap)),
    tlv('KTYP', u32(0)),
    tlv(
      'WPKY',
      wrap === 2 ? wrapKey(lock, bytes(`class ${index}`, CLASS_KEY_BYTES)) : bytes(`class ${index}`, WRAPPED_BYTES),
    ),
  ])
  return concatBytes([
    tlv('VERS', u32(5)),
    tlv('TYPE', u32(1)),
    tlv('UUID', bytes('UUID', 16)),
    tlv('HMCK', new Uint8Array(WRAPPED_BYTES)),
    tlv('WRAP', u32(0)),
    tlv('SALT', salt),
    tlv('ITER', u32(ITERATIONS)),
    ...classes,
  ])
}

/** RFC 3394 key wrap. */
function wrapKey(lock: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('id-aes256-wrap', lock, Buffer.alloc(8, 0xa6))
  return Buffer.concat([cipher.update(key), cipher.final()])
}

function tlv(tag: string, value: Uint8Array): Uint8Array {
  return concatBytes([utf8(tag), u32(value.length), value])
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value)
  return bytes
}
