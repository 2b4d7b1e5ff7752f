import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { numberOf, textOf } from '../../plist/index.ts'
import { openLockdown, throwRefusal } from '../lockdown/lockdown.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import { readDict, writePlist } from '../plist-frame.ts'

const NOTIFICATION_PROXY = 'com.apple.mobile.notification_proxy'
const INSECURE_NOTIFICATION_PROXY = 'com.apple.mobile.insecure_notification_proxy'
const NOTIFICATION_BYTES_MAX = 64 << 10

/** Posts and hears the phone's notifications, which are names and nothing more. Disposing hangs up. */
export interface NotificationProxy extends AsyncDisposable {
  /** Tells the phone; there is no answer. */
  post(name: string, options: WaitOptions): Promise<void>
  /** Asks to hear of these names from now on; what is heard comes out of `heard`. */
  observe(names: readonly string[], options: WaitOptions): Promise<void>
  /** The names that were posted on the phone, as they come, until the phone hangs up (`wire.closed`) or ends. One reader. */
  heard(options: WaitOptions): AsyncGenerator<string>
  /**
   * Ends the service and waits until the phone has done what it was told before; what is heard meanwhile is dropped. Only
   * while nobody reads `heard`, with a signal that has a time limit.
   */
  shutDown(options: WaitOptions): Promise<void>
}

/** Starts the service. Source: docs/protocol/small-services.md#notification-proxy */
export async function openNotificationProxy(phone: Phone, { signal }: WaitOptions): Promise<NotificationProxy> {
  return notificationProxyOver(await openService(phone, NOTIFICATION_PROXY, { signal }))
}

/**
 * The same for a phone that this computer is not paired with: in the clear, and only some names are relayed, those of pairing
 * among them. Throws `device.service-refused` when the phone does not offer it.
 */
export async function openInsecureNotificationProxy(phone: Phone, { signal }: WaitOptions): Promise<NotificationProxy> {
  await using lockdown = await openLockdown(phone.dial, { clock: phone.clock, signal })
  const answer = await lockdown.ask({ Request: 'StartService', Service: INSECURE_NOTIFICATION_PROXY }, { signal })
  throwRefusal(answer, `to start ${INSECURE_NOTIFICATION_PROXY}`)
  const port = numberOf(answer.Port)
  if (port === undefined || answer.EnableServiceSSL === true) {
    throw badFrame(`The phone did not open ${INSECURE_NOTIFICATION_PROXY} in the clear`)
  }
  return notificationProxyOver(await phone.dial(port, { signal }))
}

/** The service over a stream that leads to it; owns the stream. */
export function notificationProxyOver(channel: ByteChannel): NotificationProxy {
  return {
    post: (name, { signal }) => writePlist(channel, { Command: 'PostNotification', Name: name }, { signal }),
    async observe(names, { signal }) {
      for (const name of names) await writePlist(channel, { Command: 'ObserveNotification', Name: name }, { signal })
    },
    heard: ({ signal }) => heardFrom(channel, { signal }),
    async shutDown({ signal }) {
      await writePlist(channel, { Command: 'Shutdown' }, { signal })
      await untilDeath(channel, { signal })
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

async function* heardFrom(channel: ByteChannel, { signal }: WaitOptions): AsyncGenerator<string> {
  for (;;) {
    const message = await readDict(channel, { bytesMax: NOTIFICATION_BYTES_MAX, signal })
    if (message.Command === 'ProxyDeath') return
    const name = textOf(message.Name)
    if (message.Command === 'RelayNotification' && name !== undefined) yield name
  }
}

/** A phone that hangs up at once has ended the service too. */
async function untilDeath(channel: ByteChannel, { signal }: WaitOptions): Promise<void> {
  try {
    for await (const _ of heardFrom(channel, { signal })) {
      // Nobody waits for it any more.
    }
  } catch (error) {
    if (!isAppError(error, 'wire.closed')) throw error
  }
}
