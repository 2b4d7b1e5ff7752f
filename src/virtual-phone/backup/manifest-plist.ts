import { boolOf, bytesOf, dictOf, encodeBinaryPlist, type PlistDict, parsePlist } from '../../plist/index.ts'
import { BackupError, MB } from './backup-error.ts'
import { type BackupPhone, timeOfBackup } from './backup-phone.ts'
import { CLASS_NONE, createUnlockedKeyBag, type KeyBag } from './encryption/key-bag.ts'

/** What opens an encrypted backup, once its password was given. */
export interface BackupKeys {
  readonly bag: KeyBag
  /** Of Manifest.db, 32 bytes. */
  readonly manifestKey: Uint8Array
}

/** Source: docs/protocol/mobilebackup2.md#manifest */
export async function encodeManifestPlist(phone: BackupPhone, keys: BackupKeys | undefined): Promise<Uint8Array> {
  return encodeBinaryPlist({
    Version: '10.0',
    Date: timeOfBackup(phone),
    SystemDomainsVersion: '24.0',
    IsEncrypted: keys !== undefined,
    WasPasscodeSet: phone.condition.state.passcode !== undefined,
    BackupKeyBag: keys?.bag.bytes ?? (await createUnlockedKeyBag(phone.udid)),
    ...(keys && { ManifestKey: keys.bag.wrap(CLASS_NONE, keys.manifestKey) }),
    Applications: applicationsOf(phone),
    Lockdown: lockdownOf(phone),
  })
}

/** What an encrypted backup's Manifest.plist holds of keys, still locked. */
export interface LockedKeys {
  readonly keyBag: Uint8Array
  readonly manifestKey: Uint8Array
}

/** Undefined for an unencrypted backup. Throws `BackupError` 11 for what is no such plist. */
export function parseManifestPlist(bytes: Uint8Array): LockedKeys | undefined {
  const manifest = parseManifest(bytes)
  if (manifest === undefined) throw new BackupError(MB.unparsable, 'Manifest.plist cannot be read')
  if (!boolOf(manifest.IsEncrypted)) return undefined
  const { BackupKeyBag: keyBag, ManifestKey: manifestKey } = manifest
  return { keyBag: bytesOf(keyBag) ?? NOTHING, manifestKey: bytesOf(manifestKey) ?? NOTHING }
}

/** What is missing is found out when it is to be opened. */
const NOTHING = new Uint8Array(0)

/** The same Manifest.plist with another key bag. */
export function withKeyBag(bytes: Uint8Array, keyBag: Uint8Array): Uint8Array {
  return encodeBinaryPlist({ ...parseManifest(bytes), BackupKeyBag: keyBag })
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
