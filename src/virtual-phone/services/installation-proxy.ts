import { concatBytes, utf8, viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { arrayOf, dictOf, encodeBinaryPlist, type Plist, type PlistDict, textOf } from '../../plist/index.ts'
import type { PhoneApp } from '../contents/index.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'
import type { ServicePhone } from './service.ts'

/** Apps in one message of Browse: few, so that the list of a small phone comes in several too. */
const BATCH_APPS = 6

/** Lists the installed apps. Source: docs/protocol/small-services.md#installation-proxy */
export async function serveInstallationProxy(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  for await (const request of readRequests(channel, { signal })) {
    for (const answer of answersTo(request, phone.contents.apps)) await writePlistFrame(channel, answer, { signal })
  }
}

function answersTo(request: PlistDict, installed: readonly PhoneApp[]): Iterable<PlistDict> {
  const options = dictOf(request.ClientOptions) ?? {}
  switch (textOf(request.Command)) {
    case 'Browse':
      return browse(installed, options)
    case 'Lookup':
      return [lookup(installed, options)]
    default:
      return [{ Error: 'APIInternalError', ErrorDescription: 'The virtual phone only lists apps' }]
  }
}

function* browse(installed: readonly PhoneApp[], options: PlistDict): Generator<PlistDict> {
  const apps = wantedApps(installed, options)
  for (let index = 0; index < apps.length; index += BATCH_APPS) {
    const batch = apps.slice(index, index + BATCH_APPS).map((app) => describeApp(app, options))
    yield {
      Status: 'BrowsingApplications',
      Total: apps.length,
      CurrentIndex: index,
      CurrentAmount: batch.length,
      CurrentList: batch,
    }
  }
  yield { Status: 'Complete' }
}

function lookup(installed: readonly PhoneApp[], options: PlistDict): PlistDict {
  const apps = wantedApps(installed, options).map((app) => [app.bundleId, describeApp(app, options)] as const)
  return { Status: 'Complete', LookupResult: Object.fromEntries(apps) }
}

function wantedApps(installed: readonly PhoneApp[], options: PlistDict): readonly PhoneApp[] {
  const type = textOf(options.ApplicationType) ?? 'Any'
  const bundleIds = arrayOf(options.BundleIDs)
  return installed.filter(
    (app) => (type === 'Any' || app.category === type) && (bundleIds === undefined || bundleIds.includes(app.bundleId)),
  )
}

/** The attributes that were asked for by name; or, if none were, all but the costly ones. */
function describeApp(app: PhoneApp, options: PlistDict): PlistDict {
  const named = arrayOf(options.ReturnAttributes)
  const attributes = named === undefined ? plainAttributes(app) : { ...plainAttributes(app), ...costlyAttributes(app) }
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => named === undefined || named.includes(name)))
}

function plainAttributes(app: PhoneApp): { readonly [name: string]: Plist } {
  return {
    ApplicationType: app.category,
    CFBundleDisplayName: app.name,
    CFBundleExecutable: app.name,
    CFBundleIdentifier: app.bundleId,
    CFBundleName: app.name,
    CFBundleShortVersionString: app.version,
    CFBundleVersion: app.version,
    Container: `/private/var/mobile/Containers/Data/Application/${app.bundleId}`,
    Path: `/private/var/containers/Bundle/Application/${app.bundleId}/${app.name}.app`,
    UIFileSharingEnabled: false,
  }
}

function costlyAttributes(app: PhoneApp): { readonly [name: string]: Plist } {
  const sizes = { StaticDiskUsage: app.staticBytes, DynamicDiskUsage: app.dynamicBytes }
  return app.category === 'User' ? { ...sizes, ApplicationSINF: sinf(), iTunesMetadata: storeMetadata(app) } : sizes
}

/** What the App Store sent with the app. */
function storeMetadata({ bundleId, name, version }: PhoneApp): Uint8Array {
  return encodeBinaryPlist({
    bundleShortVersionString: version,
    bundleVersion: version,
    itemName: name,
    kind: 'software',
    softwareVersionBundleId: bundleId,
  })
}

/** An MP4 box `sinf` around a box `frma`, as the licence of an app begins. */
function sinf(): Uint8Array {
  return box('sinf', box('frma', utf8('game')))
}

function box(type: string, content: Uint8Array): Uint8Array {
  const size = new Uint8Array(4)
  viewOf(size).setUint32(0, 8 + content.length)
  return concatBytes([size, utf8(type), content])
}
