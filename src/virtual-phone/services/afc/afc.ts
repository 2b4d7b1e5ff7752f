import type { ByteChannel, WaitOptions } from '../../../base/channel.ts'
import type { ServicePhone } from '../service.ts'
import type { MediaTree } from './media-tree.ts'
import { OpenFiles } from './open-files.ts'
import { performAfc } from './operations.ts'
import { encodeAfcAnswer, readAfcRequest } from './packet.ts'

/** Serves the media folder. Source: docs/protocol/small-services.md#afc */
export async function serveAfc(channel: ByteChannel, phone: ServicePhone, options: WaitOptions): Promise<void> {
  await serveTree(channel, { phone, media: phone.media }, options)
}

/** Serves the folder of crash reports, in the same way. */
export async function serveCrashReports(
  channel: ByteChannel,
  phone: ServicePhone,
  options: WaitOptions,
): Promise<void> {
  await serveTree(channel, { phone, media: phone.crashReports }, options)
}

/** Open files, and with them locks, end with the connection. */
async function serveTree(
  channel: ByteChannel,
  { phone, media }: { phone: ServicePhone; media: MediaTree },
  { signal }: WaitOptions,
): Promise<void> {
  using files = new OpenFiles(media)
  for (;;) {
    const request = await readAfcRequest(channel, { signal })
    if (request === undefined) return
    await channel.write(encodeAfcAnswer(performAfc(request, { files, media, phone }), request), { signal })
  }
}
