import { NEVER } from '../../base/abort.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { deviceError, notAnswering } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import type { Afc } from '../services/afc.ts'
import { AFC_MODE, openAfc } from '../services/afc.ts'
import { answerHeartbeat, HEARTBEAT } from '../services/heartbeat.ts'
import type { NotificationProxy } from '../services/notification-proxy.ts'
import { openNotificationProxy } from '../services/notification-proxy.ts'
import { withinTime } from '../time-limit.ts'
import type { BackupEvent, OnBackupEvent } from './backup-events.ts'
import { goWithoutTelling } from './go-without.ts'
import { collectInfoFacts, encodeInfoPlist } from './info-plist.ts'

/** A phone made ready for a backup. Dispose it when the backup is over, however it ended: that frees the phone for others. */
export interface PreparedBackup extends AsyncDisposable {
  /** The file to put at `<UDID>/Info.plist`, before the backup starts. */
  readonly infoPlist: Uint8Array
}

const SYNC_WILL_START = 'com.apple.itunes-mobdev.syncWillStart'
const SYNC_LOCK_REQUEST = 'com.apple.itunes-mobdev.syncLockRequest'
const SYNC_DID_START = 'com.apple.itunes-mobdev.syncDidStart'
const SYNC_DID_FINISH = 'com.apple.itunes-mobdev.syncDidFinish'

/** What the phone may say during a backup, and what that means; the others are heard as Finder hears them. */
const HEARD: ReadonlyMap<string, BackupEvent | undefined> = new Map([
  ['com.apple.LocalAuthentication.ui.presented', { kind: 'passcode-asked' }],
  ['com.apple.LocalAuthentication.ui.dismissed', { kind: 'passcode-done' }],
  ['com.apple.itunes-client.syncCancelRequest', { kind: 'cancel-asked' }],
  ['com.apple.itunes-client.syncSuspendRequest', undefined],
  ['com.apple.itunes-client.syncResumeRequest', undefined],
  ['com.apple.mobile.backup.domain_changed', undefined],
])

const LOCK_FILE = '/com.apple.itunes.lock_sync'
const LOCK_TRIES = 50
const LOCK_PAUSE_MS = 200
/** Longest time that each step of tidying up after a backup may take. */
const FAREWELL_MS_MAX = 5000

/**
 * Readies a phone for a backup as Finder does: hears when it asks for its passcode, keeps other sync programs away, holds a
 * Wi-Fi phone's connections open, and collects the Info.plist. A phone needs none of it, so what it refuses is told as
 * `went-without`; another program's lock is an error, `device.busy`. The signal is for this call; what was opened lives until
 * it is disposed. Source: docs/protocol/mobilebackup2.md.
 */
export async function prepareBackup(
  phone: Phone,
  { onEvent, signal }: WaitOptions & { readonly onEvent?: OnBackupEvent },
): Promise<PreparedBackup> {
  const goWithout = goWithoutTelling(phone.clock, onEvent)
  const helped = <Value>(what: string, work: (signal: AbortSignal) => Promise<Value>) =>
    goWithout(what, work, { signal })
  await using stack = new AsyncDisposableStack()

  if (phone.transport === 'wifi') stack.use(await helped('the heartbeat', (signal) => openHeartbeat(phone, { signal })))
  const proxy = stack.use(await helped('notifications', (signal) => openNotificationProxy(phone, { signal })))
  const post = (name: string) => helped('notifications', async (signal) => proxy?.post(name, { signal }))
  if (proxy !== undefined) stack.use(await helped('notifications', (signal) => listen(proxy, { onEvent, signal })))
  const afc = stack.use(await helped('the media folder', (signal) => openAfc(phone, { signal })))

  stack.defer(() => farewell(phone, async (signal) => proxy?.post(SYNC_DID_FINISH, { signal })))
  await post(SYNC_WILL_START)
  await post(SYNC_LOCK_REQUEST)
  if (afc !== undefined) stack.use(await helped('the sync lock', (signal) => holdSyncLock(phone, afc, { signal })))
  await post(SYNC_DID_START)

  const infoPlist = encodeInfoPlist(await collectInfoFacts(phone, { afc, goWithout, signal }))
  const opened = stack.move()
  return { infoPlist, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

async function openHeartbeat(phone: Phone, { signal }: WaitOptions): Promise<AsyncDisposable> {
  const channel = await openService(phone, HEARTBEAT, { signal })
  return beside(async (signal) => {
    await using owned = channel
    await answerHeartbeat(owned, { signal })
  })
}

async function listen(
  proxy: NotificationProxy,
  { onEvent, signal }: WaitOptions & { readonly onEvent: OnBackupEvent | undefined },
): Promise<AsyncDisposable> {
  await proxy.observe([...HEARD.keys()], { signal })
  return beside(async (signal) => {
    for await (const name of proxy.heard({ signal })) {
      const event = HEARD.get(name)
      if (event !== undefined) onEvent?.(event)
    }
  })
}

/** Takes the lock that tells every program that syncs with the phone to wait; gives it back when disposed. */
async function holdSyncLock(phone: Phone, afc: Afc, { signal }: WaitOptions): Promise<AsyncDisposable> {
  const handle = await afc.open(LOCK_FILE, AFC_MODE.readWrite, { signal })
  for (let tries = 1; !(await afc.tryLock(handle, { signal })); tries++) {
    if (tries === LOCK_TRIES) throw busy()
    await phone.clock.sleep(LOCK_PAUSE_MS, { signal })
  }
  const release = async (signal: AbortSignal) => {
    await afc.unlock(handle, { signal })
    await afc.close(handle, { signal })
  }
  return { [Symbol.asyncDispose]: () => farewell(phone, release) }
}

/**
 * Runs work beside a backup until it is disposed. When the phone ends it, the backup goes on without; any other failure comes
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

/** Does one step of tidying up; a phone that has left needs none. */
async function farewell(phone: Phone, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const late = () => notAnswering('The phone', FAREWELL_MS_MAX / 1000)
  try {
    await withinTime({ ms: FAREWELL_MS_MAX, clock: phone.clock, late, signal: NEVER }, work)
  } catch (error) {
    if (!isAppError(error)) throw error
  }
}

function busy(): Error {
  const seconds = (LOCK_TRIES * LOCK_PAUSE_MS) / 1000
  return deviceError('device.busy', `Another program has been syncing with the phone for ${seconds} s`, {
    remedy: 'Wait until Finder, iTunes or the other program is done, or close it, then start the backup again',
  })
}
