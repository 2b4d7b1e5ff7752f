import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { type PlistDict, textOf } from '../../plist/index.ts'
import { Outbox } from '../outbox.ts'
import { encodePlistFrame, readRequests } from '../plist-frames.ts'
import type { ServicePhone } from './service.ts'

/** Names that one connection may observe, and their length; more and longer ones are ignored. */
const NAMES_MAX = 1000
const NAME_LENGTH_MAX = 1000

/** Notifications that wait for a slow host; above it the host is disconnected. */
const RELAYS_WAITING_MAX = 1000

/** Tells the host of notifications it observes, and posts the host's own. Source: docs/protocol/small-services.md#notification-proxy */
export async function serveNotificationProxy(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  const outbox = new Outbox(channel, { signal, framesMax: RELAYS_WAITING_MAX })
  const post = (message: PlistDict) => outbox.post(encodePlistFrame(message))
  const observed = new Set<string>()
  using cleanup = new DisposableStack()
  cleanup.defer(
    phone.notifications.add((name) => {
      if (observed.has(name)) post({ Command: 'RelayNotification', Name: name })
    }),
  )
  for await (const request of readRequests(channel, { signal: outbox.signal })) {
    const command = textOf(request.Command)
    const name = textOf(request.Name) ?? ''
    const isUsable = name !== '' && name.length <= NAME_LENGTH_MAX
    if (command === 'ObserveNotification' && isUsable && observed.size < NAMES_MAX) observed.add(name)
    if (command === 'PostNotification' && isUsable) phone.notifications.tell(name)
    if (command !== 'Shutdown') continue
    post({ Command: 'ProxyDeath' })
    return await outbox.flush()
  }
}
