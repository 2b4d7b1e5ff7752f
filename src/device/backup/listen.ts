import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import type { Phone } from '../phone.ts'
import { NOTIFICATIONS } from '../services/notification-names.ts'
import type { NotificationProxy } from '../services/notification-proxy.ts'
import { openNotificationProxy } from '../services/notification-proxy.ts'
import type { BackupEvent, OnBackupEvent } from './backup-events.ts'
import { goWithoutTelling } from './go-without.ts'

/** What the phone may say during a request, and what that means; the others are heard as Finder hears them. */
const HEARD: ReadonlyMap<string, BackupEvent | undefined> = new Map<string, BackupEvent | undefined>([
  [NOTIFICATIONS.passcodeSheetPresented, { kind: 'passcode-asked' }],
  [NOTIFICATIONS.passcodeSheetDismissed, { kind: 'passcode-done' }],
  [NOTIFICATIONS.syncCancelRequest, { kind: 'cancel-asked' }],
  [NOTIFICATIONS.syncSuspendRequest, undefined],
  [NOTIFICATIONS.syncResumeRequest, undefined],
  [NOTIFICATIONS.backupSettingsChanged, undefined],
])

interface ListenOptions extends WaitOptions {
  readonly onEvent?: OnBackupEvent | undefined
  /** The phone's backup settings, or the date of its last backup to iCloud, are not what they were. */
  readonly onSettingsChanged?: (() => void) | undefined
}

/** Tells what a person must know of what happens on the phone, until it is disposed; a phone that refuses is gone without. */
export async function listenToPhone(phone: Phone, { signal, ...on }: ListenOptions): Promise<AsyncDisposable> {
  const goWithout = goWithoutTelling(phone.clock, on.onEvent)
  const open = async (signal: AbortSignal) => {
    await using opened = new AsyncDisposableStack()
    const proxy = opened.use(await openNotificationProxy(phone, { signal }))
    opened.use(await listen(proxy, { ...on, signal }))
    return opened.move()
  }
  return (await goWithout('notifications', open, { signal })) ?? new AsyncDisposableStack()
}

/** The same over an open proxy, which stays the caller's. */
export async function listen(
  proxy: NotificationProxy,
  { onEvent, onSettingsChanged, signal }: ListenOptions,
): Promise<AsyncDisposable> {
  await proxy.observe([...HEARD.keys()], { signal })
  return beside(async (signal) => {
    for await (const name of proxy.heard({ signal })) {
      const event = HEARD.get(name)
      if (event !== undefined) onEvent?.(event)
      if (name === NOTIFICATIONS.backupSettingsChanged) onSettingsChanged?.()
    }
  })
}

/**
 * Runs work beside a request until it is disposed. When the phone ends it, the request goes on without; any other failure comes
 * out when it is disposed.
 */
function beside(work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController()
  const ended = work(stop.signal).then(
    () => undefined,
    (error: unknown) => error,
  )
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      const failure = await ended
      if (failure !== undefined && failure !== stop.signal.reason && !isAppError(failure)) throw failure
    },
  }
}
