import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { arrayOf, dictOf, textOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import { readDict, SERVICE_BYTES_MAX, writePlist } from '../plist-frame.ts'

export const INSTALLATION_PROXY = 'com.apple.mobile.installation_proxy'
/** No phone holds more apps; a stream that never says Complete ends here. */
const APPS_MAX = 20_000

export interface BrowseOptions extends WaitOptions {
  readonly type: 'User' | 'System' | 'Any'
  /** Costly and hidden attributes (sizes, ApplicationSINF, iTunesMetadata) come only when named. */
  readonly attributes: readonly string[]
}

/**
 * The installed apps, each a dictionary of the attributes that were asked for and exist. Phones send them in batches.
 * Source: docs/protocol/small-services.md.
 */
export async function browseApps(
  channel: ByteChannel,
  { type, attributes, signal }: BrowseOptions,
): Promise<readonly PlistDict[]> {
  const options = { ApplicationType: type, ReturnAttributes: attributes }
  await writePlist(channel, { Command: 'Browse', ClientOptions: options }, { signal })
  const apps: PlistDict[] = []
  for (let batches = 0; batches <= APPS_MAX; batches++) {
    const answer = await readDict(channel, { bytesMax: SERVICE_BYTES_MAX, signal })
    if (answer.Error !== undefined) throw refused(answer)
    apps.push(...(arrayOf(answer.CurrentList) ?? []).map(dictOf).filter((app) => app !== undefined))
    if (answer.Status === 'Complete') return apps
    if (apps.length > APPS_MAX) break
  }
  throw badFrame(`The phone listed more than ${APPS_MAX} apps`)
}

function refused(answer: PlistDict): Error {
  const why = [answer.Error, answer.ErrorDescription].map(textOf).filter((part) => part !== undefined)
  return deviceError('device.app-list-refused', `The phone did not list its apps: ${why.join(', ').slice(0, 200)}`, {
    remedy: 'Unlock the phone and try again; restart it if that does not help',
  })
}
