import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { textOf } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import { readDict, writePlist } from '../plist-frame.ts'

const NOTIFICATION_PROXY = 'com.apple.mobile.notification_proxy'
const NOTIFICATION_BYTES_MAX = 64 << 10

/** Posts and hears the phone's notifications, which are names and nothing more. Disposing hangs up. */
export interface NotificationProxy extends AsyncDisposable {
  /** Tells the phone; there is no answer. */
  post(name: string, options: WaitOptions): Promise<void>
  /** Asks to hear of these names from now on; what is heard comes out of `heard`. */
  observe(names: readonly string[], options: WaitOptions): Promise<void>
  /** The names that were posted on the phone, as they come, until the phone hangs up (`wire.closed`) or ends. One reader. */
  heard(options: WaitOptions): AsyncGenerator<string>
}

/** Starts the service. Source: docs/protocol/small-services.md. */
export async function openNotificationProxy(phone: Phone, { signal }: WaitOptions): Promise<NotificationProxy> {
  return notificationProxyOver(await openService(phone, NOTIFICATION_PROXY, { signal }))
}

/** The service over a stream that leads to it; owns the stream. */
export function notificationProxyOver(channel: ByteChannel): NotificationProxy {
  return {
    post: (name, { signal }) => writePlist(channel, { Command: 'PostNotification', Name: name }, { signal }),
    async observe(names, { signal }) {
      for (const name of names) await writePlist(channel, { Command: 'ObserveNotification', Name: name }, { signal })
    },
    async *heard({ signal }) {
      for (;;) {
        const message = await readDict(channel, { bytesMax: NOTIFICATION_BYTES_MAX, signal })
        if (message.Command === 'ProxyDeath') return
        const name = textOf(message.Name)
        if (message.Command === 'RelayNotification' && name !== undefined) yield name
      }
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}
