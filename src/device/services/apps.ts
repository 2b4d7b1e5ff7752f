import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { boolOf, numberOf, textOf } from '../../plist/index.ts'
import { known } from '../known.ts'
import type { BrowseOptions } from './installation-proxy.ts'
import { browsePages } from './installation-proxy.ts'

/** An app that is installed. Apps lack what their makers left out. */
export interface InstalledApp {
  readonly bundleId: string
  /** What stands below its icon, or what it calls itself. */
  readonly name?: string
  /** What people see, such as `4.2`; the build counts what its maker made. */
  readonly version?: string
  readonly build?: string
  /** `User` for what came from the App Store, `System` for what came with iOS. */
  readonly kind?: string
  /** The app itself, and what it keeps: its documents and caches, of which a backup holds the documents. */
  readonly appBytes?: number
  readonly dataBytes?: number
  /** Its documents can be reached by cable. */
  readonly sharesFiles?: boolean
  /** The Files app shows its documents. */
  readonly opensInPlace?: boolean
  readonly minimumIos?: string
}

const ATTRIBUTES = [
  'ApplicationType',
  'CFBundleDisplayName',
  'CFBundleIdentifier',
  'CFBundleName',
  'CFBundleShortVersionString',
  'CFBundleVersion',
  'LSSupportsOpeningDocumentsInPlace',
  'MinimumOSVersion',
  'UIFileSharingEnabled',
]
const SIZES = ['DynamicDiskUsage', 'StaticDiskUsage']

/**
 * The installed apps, as the phone lists them; with sizes it takes its time. Entries without a bundle id are left out.
 * Source: docs/protocol/small-services.md#installation-proxy
 */
export async function* installedApps(
  channel: ByteChannel,
  { type, withSizes, signal }: WaitOptions & Pick<BrowseOptions, 'type'> & { readonly withSizes: boolean },
): AsyncGenerator<InstalledApp> {
  const attributes = withSizes ? [...ATTRIBUTES, ...SIZES] : ATTRIBUTES
  for await (const page of browsePages(channel, { type, attributes, signal })) {
    for (const entry of page) {
      const app = appOf(entry)
      if (app !== undefined) yield app
    }
  }
}

function appOf(entry: PlistDict): InstalledApp | undefined {
  const bundleId = textOf(entry.CFBundleIdentifier)
  if (bundleId === undefined) return undefined
  return known<InstalledApp>({
    bundleId,
    name: textOf(entry.CFBundleDisplayName) || textOf(entry.CFBundleName),
    version: textOf(entry.CFBundleShortVersionString),
    build: textOf(entry.CFBundleVersion),
    kind: textOf(entry.ApplicationType),
    appBytes: sizeOf(entry.StaticDiskUsage),
    dataBytes: sizeOf(entry.DynamicDiskUsage),
    sharesFiles: boolOf(entry.UIFileSharingEnabled),
    opensInPlace: boolOf(entry.LSSupportsOpeningDocumentsInPlace),
    minimumIos: textOf(entry.MinimumOSVersion),
  })
}

function sizeOf(value: Plist | undefined): number | undefined {
  const bytes = numberOf(value)
  return bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined
}
