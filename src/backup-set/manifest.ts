import { boolOf, bytesOf, dateOf, dictOf, type Plist, parsePlist, textOf } from '../plist/index.ts'
import { damaged } from './errors.ts'

/** What `Manifest.plist` says of the phone, the time and the apps. Phones write all of it, other tools may not. */
export interface BackupManifest {
  /** What the manifest says of itself; whether `Manifest.db` opens decides. */
  readonly isEncrypted: boolean
  /** Whether the phone had a passcode. */
  readonly wasPasscodeSet: boolean | undefined
  /** "10.0" since iOS 10. */
  readonly version: string | undefined
  readonly dateMs: number | undefined
  readonly deviceName: string | undefined
  /** As the phone writes it: 40 lower-case hex digits, or eight upper-case ones, a dash and sixteen more. */
  readonly udid: string | undefined
  readonly serialNumber: string | undefined
  /** "iPhone9,3". */
  readonly productType: string | undefined
  /** Of iOS: "14.3". */
  readonly productVersion: string | undefined
  readonly buildVersion: string | undefined
  /** Every container on the phone by its bundle or group id: many more than the apps a person installed. */
  readonly applications: ReadonlyMap<string, BackupApplication>
  /** For `parseKeyBag`. Backups that are not encrypted have one, too: it opens with the empty password. */
  readonly keyBag: Uint8Array | undefined
  /** Opens `Manifest.db`: for `ClassKeys.unwrap`. Only in encrypted backups since iOS 10.2. */
  readonly manifestKey: Uint8Array | undefined
}

/** One container: an app's, an extension's or a group's. */
export interface BackupApplication {
  readonly bundleVersion: string | undefined
  /** "Data/Application", "Data/PluginKitPlugin", "Shared/AppGroup", … */
  readonly containerClass: string | undefined
  /** Where the app's bundle was on the phone; only apps that a person installed have one. */
  readonly bundlePath: string | undefined
}

/**
 * Reads a `Manifest.plist`. Throws `backup-set.damaged` when it is no dictionary, and the errors of `parsePlist`.
 * Source: docs/protocol/backup-set.md#manifest
 */
export function parseManifest(bytes: Uint8Array): BackupManifest {
  const manifest = dictOf(parsePlist(bytes))
  if (manifest === undefined) throw damaged('Manifest.plist is not a dictionary')
  const lockdown = dictOf(manifest.Lockdown)
  return {
    isEncrypted: boolOf(manifest.IsEncrypted) ?? false,
    wasPasscodeSet: boolOf(manifest.WasPasscodeSet),
    version: textOf(manifest.Version),
    dateMs: dateOf(manifest.Date)?.getTime(),
    deviceName: textOf(lockdown?.DeviceName),
    udid: textOf(lockdown?.UniqueDeviceID),
    serialNumber: textOf(lockdown?.SerialNumber),
    productType: textOf(lockdown?.ProductType),
    productVersion: textOf(lockdown?.ProductVersion),
    buildVersion: textOf(lockdown?.BuildVersion),
    applications: applicationsIn(manifest.Applications),
    keyBag: bytesOf(manifest.BackupKeyBag),
    manifestKey: bytesOf(manifest.ManifestKey),
  }
}

function applicationsIn(value: Plist | undefined): ReadonlyMap<string, BackupApplication> {
  const entries = Object.entries(dictOf(value) ?? {})
  return new Map(entries.map(([id, application]) => [id, applicationFrom(application)]))
}

function applicationFrom(value: Plist): BackupApplication {
  const application = dictOf(value)
  return {
    bundleVersion: textOf(application?.CFBundleVersion),
    containerClass: textOf(application?.ContainerContentClass),
    bundlePath: textOf(application?.Path),
  }
}
