import { NEVER } from '../../base/abort.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import { encodeXmlPlist } from '../../plist/index.ts'
import { deviceError, notAnswering } from '../errors.ts'
import type { Phone } from '../phone.ts'
import type { Afc } from '../services/afc.ts'
import { AFC_MODE, openAfc } from '../services/afc.ts'
import { NOTIFICATIONS } from '../services/notification-names.ts'
import { openNotificationProxy } from '../services/notification-proxy.ts'
import { withinTime } from '../time-limit.ts'
import type { OnBackupEvent } from './backup-events.ts'
import type { GoWithout } from './go-without.ts'
import { goWithoutTelling } from './go-without.ts'
import { collectInfoFacts, encodeInfoPlist } from './info-plist.ts'
import { listen } from './listen.ts'

/** A phone made ready for a backup. Dispose it when the backup is over, however it ended: that frees the phone for others. */
export interface PreparedBackup extends AsyncDisposable {
  /** The file to put at `<UDID>/Info.plist`, before the backup starts. */
  readonly infoPlist: Uint8Array
}

/** A phone made ready for a restore. Dispose it when the restore is over, however it ended. */
export interface PreparedRestore extends AsyncDisposable {
  /** To be called when the phone has restored: else the list of apps to install is taken away again. */
  succeeded(): void
}

interface PrepareOptions extends WaitOptions {
  readonly onEvent?: OnBackupEvent | undefined
}

const LOCK_FILE = '/com.apple.itunes.lock_sync'
const LOCK_TRIES = 50
const LOCK_PAUSE_MS = 200
const APPS_FOLDER = '/iTunesRestore'
const APPS_FILE = `${APPS_FOLDER}/RestoreApplications.plist`
/** Longest time that each step of tidying up may take. */
const FAREWELL_MS_MAX = 5000

/**
 * Readies a phone for a backup as Finder does: holds it (see `holdPhone`) and collects the Info.plist. A phone needs none of it,
 * so what it refuses is told as `went-without`; another program's lock is an error, `device.busy`. The signal is for this call;
 * what was opened lives until it is disposed. Source: docs/protocol/mobilebackup2.md.
 */
export async function prepareBackup(phone: Phone, { onEvent, signal }: PrepareOptions): Promise<PreparedBackup> {
  await using stack = new AsyncDisposableStack()
  const { afc, goWithout } = stack.use(await holdPhone(phone, { onEvent, signal }))
  const infoPlist = encodeInfoPlist(await collectInfoFacts(phone, { afc, goWithout, signal }))
  const opened = stack.move()
  return { infoPlist, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/**
 * Readies a phone for a restore: holds it, and leaves it the list of apps to install afterwards, `Applications` of the backup's
 * Info.plist. Else as `prepareBackup`. Source: docs/protocol/mobilebackup2.md#restoring-from-a-host.
 */
export async function prepareRestore(
  phone: Phone,
  { applications, onEvent, signal }: PrepareOptions & { readonly applications: PlistDict | undefined },
): Promise<PreparedRestore> {
  await using stack = new AsyncDisposableStack()
  const { afc, goWithout } = stack.use(await holdPhone(phone, { onEvent, signal }))
  let isRestored = false
  if (afc !== undefined && applications !== undefined) {
    stack.defer(() => (isRestored ? undefined : farewell(phone, (signal) => removeApps(afc, { signal }))))
    await goWithout('the list of apps', (signal) => writeApps(afc, applications, { signal }), { signal })
  }
  const opened = stack.move()
  const succeeded = () => {
    isRestored = true
  }
  return { succeeded, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

async function writeApps(afc: Afc, applications: PlistDict, { signal }: WaitOptions): Promise<void> {
  await afc.makeFolder(APPS_FOLDER, { signal })
  await afc.writeFile(APPS_FILE, encodeXmlPlist(applications), { signal })
}

async function removeApps(afc: Afc, { signal }: WaitOptions): Promise<void> {
  await afc.remove(APPS_FILE, { signal })
  await afc.remove(APPS_FOLDER, { signal })
}

interface HeldPhone extends AsyncDisposable {
  /** Undefined when the phone refused it. */
  readonly afc: Afc | undefined
  readonly goWithout: GoWithout
}

/** Hears when the phone asks for its passcode, and keeps other sync programs away. */
async function holdPhone(phone: Phone, { onEvent, signal }: PrepareOptions): Promise<HeldPhone> {
  const goWithout = goWithoutTelling(phone.clock, onEvent)
  const helped = <Value>(what: string, work: (signal: AbortSignal) => Promise<Value>) =>
    goWithout(what, work, { signal })
  await using stack = new AsyncDisposableStack()

  const proxy = stack.use(await helped('notifications', (signal) => openNotificationProxy(phone, { signal })))
  const post = (name: string) => helped('notifications', async (signal) => proxy?.post(name, { signal }))
  if (proxy !== undefined) stack.use(await helped('notifications', (signal) => listen(proxy, { onEvent, signal })))
  const afc = stack.use(await helped('the media folder', (signal) => openAfc(phone, { signal })))

  stack.defer(() => farewell(phone, async (signal) => proxy?.post(NOTIFICATIONS.syncDidFinish, { signal })))
  await post(NOTIFICATIONS.syncWillStart)
  await post(NOTIFICATIONS.syncLockRequest)
  if (afc !== undefined) stack.use(await helped('the sync lock', (signal) => holdSyncLock(phone, afc, { signal })))
  await post(NOTIFICATIONS.syncDidStart)

  const opened = stack.move()
  return { afc, goWithout, [Symbol.asyncDispose]: () => opened.disposeAsync() }
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
    remedy: 'Wait until Finder, iTunes or the other program is done, or close it, then start again',
  })
}
