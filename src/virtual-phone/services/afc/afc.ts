import type { ByteChannel, WaitOptions } from '../../../base/channel.ts'
import type { ServicePhone } from '../service.ts'
import { OpenFiles } from './open-files.ts'
import { performAfc } from './operations.ts'
import { encodeAfcAnswer, readAfcRequest } from './packet.ts'

/** Serves the media folder. Open files, and with them locks, end with the connection. Source: docs/protocol/small-services.md#afc */
export async function serveAfc(channel: ByteChannel, phone: ServicePhone, { signal }: WaitOptions): Promise<void> {
  using files = new OpenFiles(phone.media)
  for (;;) {
    const request = await readAfcRequest(channel, { signal })
    if (request === undefined) return
    await channel.write(encodeAfcAnswer(performAfc(request, { files, phone }), request), { signal })
  }
}
