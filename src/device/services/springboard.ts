import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { bytesOf } from '../../plist/index.ts'
import { readDict, writePlist } from '../plist-frame.ts'

export const SPRINGBOARD = 'com.apple.springboardservices'
const ICON_BYTES_MAX = 4 << 20

/** An app's icon as a PNG file; undefined when the phone has none. Source: docs/protocol/small-services.md. */
export async function readIcon(
  channel: ByteChannel,
  bundleId: string,
  { signal }: WaitOptions,
): Promise<Uint8Array | undefined> {
  await writePlist(channel, { command: 'getIconPNGData', bundleId }, { form: 'binary', signal })
  return bytesOf((await readDict(channel, { bytesMax: ICON_BYTES_MAX, signal })).pngData)
}
