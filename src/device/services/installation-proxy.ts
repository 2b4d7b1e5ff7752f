import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { arrayOf, dictOf, textOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import { parseDict, readFrame, writePlist } from '../plist-frame.ts'
import { printable } from '../printable.ts'

export const INSTALLATION_PROXY = 'com.apple.mobile.installation_proxy'
/** No phone holds more apps; a stream that never says Complete ends at one of these. */
const APPS_MAX = 20_000
const LIST_BYTES_MAX = 64 << 20

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
  let bytesLeft = LIST_BYTES_MAX
  while (apps.length <= APPS_MAX) {
    const batch = await readFrame(channel, { bytesMax: bytesLeft, signal })
    bytesLeft -= 4 + batch.length
    const answer = parseDict(batch)
    if (answer.Error !== undefined) throw refused(answer)
    for (const entry of arrayOf(answer.CurrentList) ?? []) {
      const app = dictOf(entry)
      if (app !== undefined) apps.push(app)
    }
    if (answer.Status === 'Complete') return apps
  }
  throw badFrame(`The phone listed more than ${APPS_MAX} apps`)
}

function refused(answer: PlistDict): Error {
  const why = [answer.Error, answer.ErrorDescription].map(textOf).filter((part) => part !== undefined)
  return deviceError('device.app-list-refused', `The phone did not list its apps: ${printable(why.join(', '))}`, {
    remedy: 'Unlock the phone and try again; restart it if that does not help',
  })
}
