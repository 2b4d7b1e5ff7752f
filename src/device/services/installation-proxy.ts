import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { arrayOf, dictOf, textOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { parseDict, readFrame, writePlist } from '../plist-frame.ts'
import { printable } from '../printable.ts'
import { openLimitedService } from './limited-service.ts'

const INSTALLATION_PROXY = 'com.apple.mobile.installation_proxy'
/** No phone holds more apps; a stream that never says Complete ends at one of these. */
const APPS_MAX = 20_000
const LIST_BYTES_MAX = 64 << 20
/** Adding up what an app with many small files takes is slow. */
const SIZES_MS_MAX = 300_000

/** Starts the service that the functions below talk to. The caller closes it. */
export async function openInstallationProxy(phone: Phone, { signal }: WaitOptions): Promise<ByteChannel> {
  return await openLimitedService(phone, INSTALLATION_PROXY, { answerMsMax: SIZES_MS_MAX, signal })
}

export interface BrowseOptions extends WaitOptions {
  readonly type: 'User' | 'System' | 'Hidden' | 'Any'
  /** Costly and hidden attributes (sizes, ApplicationSINF, iTunesMetadata) come only when named. */
  readonly attributes: readonly string[]
}

/** The installed apps, each a dictionary of the attributes that were asked for and exist. */
export async function browseApps(channel: ByteChannel, options: BrowseOptions): Promise<readonly PlistDict[]> {
  return (await Array.fromAsync(browsePages(channel, options))).flat()
}

/**
 * The same in the batches that the phone sends, as they come; the list is asked for when the first is pulled, and whoever
 * does not pull the last has to close the stream. Source: docs/protocol/small-services.md#installation-proxy
 */
export async function* browsePages(
  channel: ByteChannel,
  { type, attributes, signal }: BrowseOptions,
): AsyncGenerator<readonly PlistDict[]> {
  const options = { ApplicationType: type, ReturnAttributes: attributes }
  await writePlist(channel, { Command: 'Browse', ClientOptions: options }, { signal })
  let [apps, bytesLeft] = [0, LIST_BYTES_MAX]
  for (;;) {
    const batch = await readFrame(channel, { bytesMax: bytesLeft, signal })
    bytesLeft -= 4 + batch.length
    const answer = parseAnswer(batch)
    const page = (arrayOf(answer.CurrentList) ?? []).map(dictOf).filter((app) => app !== undefined)
    apps += page.length
    if (apps > APPS_MAX) throw badFrame(`The phone listed more than ${APPS_MAX} apps`)
    if (page.length > 0) yield page
    if (answer.Status === 'Complete') return
  }
}

export interface LookupOptions extends WaitOptions {
  readonly bundleIds: readonly string[]
  readonly attributes: readonly string[]
}

/** Those of the named apps that are installed, by their bundle ids. */
export async function lookUpApps(
  channel: ByteChannel,
  { bundleIds, attributes, signal }: LookupOptions,
): Promise<ReadonlyMap<string, PlistDict>> {
  const options = { BundleIDs: bundleIds, ReturnAttributes: attributes }
  await writePlist(channel, { Command: 'Lookup', ClientOptions: options }, { signal })
  const answer = parseAnswer(await readFrame(channel, { bytesMax: LIST_BYTES_MAX, signal }))
  const found = new Map<string, PlistDict>()
  for (const [bundleId, value] of Object.entries(dictOf(answer.LookupResult) ?? {})) {
    const app = dictOf(value)
    if (app !== undefined) found.set(bundleId, app)
  }
  return found
}

function parseAnswer(payload: Uint8Array): PlistDict {
  const answer = parseDict(payload)
  if (answer.Error === undefined) return answer
  const why = [answer.Error, answer.ErrorDescription].map(textOf).filter((part) => part !== undefined)
  throw deviceError('device.app-list-refused', `The phone did not list its apps: ${printable(why.join(', '))}`, {
    remedy: 'Unlock the phone and try again; restart it if that does not help',
  })
}
