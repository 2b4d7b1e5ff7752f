import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { bytesOf } from '../../plist/index.ts'
import { readDict, SERVICE_BYTES_MAX, writePlist } from '../plist-frame.ts'

export const SPRINGBOARD = 'com.apple.springboardservices'

/** An app's icon as a PNG file; undefined when the phone has none. Source: docs/protocol/small-services.md. */
export async function readIcon(
  channel: ByteChannel,
  bundleId: string,
  { signal }: WaitOptions,
): Promise<Uint8Array | undefined> {
  await writePlist(channel, { command: 'getIconPNGData', bundleId }, { form: 'binary', signal })
  return bytesOf((await readDict(channel, { bytesMax: SERVICE_BYTES_MAX, signal })).pngData)
}
