import { Bell } from '../../base/bell.ts'
import type { WaitOptions } from '../../base/channel.ts'
import type { Plist } from '../../plist/index.ts'
import { boolOf, numberOf } from '../../plist/index.ts'
import { getValues } from '../lockdown/lockdown.ts'
import type { Phone } from '../phone.ts'
import { openSession, readIdentity } from '../phone.ts'
import { whileAwake } from '../services/heartbeat.ts'
import type { BackupOutcome, PasswordChange, RequestOptions } from './backup-service.ts'
import { changeBackupPassword, setCloudBackup } from './backup-service.ts'
import type { BackupSession } from './backup-session.ts'
import { openBackupSession } from './backup-session.ts'
import { listenToPhone } from './listen.ts'

/** What a phone says about its backups. Source: docs/protocol/mobilebackup2.md#backup-settings. */
export interface BackupSettings {
  /** A backup password is set: backups to a computer are encrypted. */
  readonly willEncrypt: boolean
  /** A profile or the organisation that manages the phone demands it. */
  readonly requiresEncryption: boolean
  /** The switch of iCloud Backup; undefined when the phone does not say, which it does without an account. */
  readonly cloudBackupEnabled: boolean | undefined
}

/** What a change came to: the phone's answer, and what the phone says of itself before and after, read anew. */
export interface SettingsChange {
  readonly outcome: BackupOutcome
  readonly before: BackupSettings
  readonly after: BackupSettings
}

type ChangeOptions = Pick<RequestOptions, 'onEvent' | 'signal'>

const BACKUP_DOMAIN = 'com.apple.mobile.backup'
/** Phones answer before an account is saved. */
const SETTLED_MS_MAX = 60_000
const LOOK_AGAIN_MS = 2000

/** Reads them in a fresh session. */
export async function readBackupSettings(phone: Phone, { signal }: WaitOptions): Promise<BackupSettings> {
  await using session = await openSession(phone, { signal })
  const values = await getValues(session.lockdown, { domain: BACKUP_DOMAIN }, { signal })
  return {
    willEncrypt: truthOf(values.WillEncrypt) ?? false,
    requiresEncryption: truthOf(values.RequiresEncryption) ?? false,
    cloudBackupEnabled: truthOf(values.CloudBackupEnabled),
  }
}

/**
 * Sets (`new`), changes (both) or removes (`old`) the phone's backup password, and tells what the person must do on the phone
 * meanwhile. A refusal is a value: see `passwordChangeError`.
 */
export async function changeEncryption(
  phone: Phone,
  { onEvent, signal, ...passwords }: ChangeOptions & Pick<PasswordChange, 'old' | 'new' | 'host'>,
): Promise<SettingsChange> {
  return await change(phone, {
    ask: (session, options) => changeBackupPassword(session, { ...options, ...passwords }),
    isDone: ({ willEncrypt }) => willEncrypt === (passwords.new !== undefined),
    onEvent,
    signal,
  })
}

/** Turns iCloud Backup on or off. A refusal is a value: see `cloudBackupError`. */
export async function switchCloudBackup(
  phone: Phone,
  { isOn, onEvent, signal }: ChangeOptions & { readonly isOn: boolean },
): Promise<SettingsChange> {
  return await change(phone, {
    ask: (session, options) => setCloudBackup(session, { ...options, isOn }),
    isDone: ({ cloudBackupEnabled }) => cloudBackupEnabled === isOn,
    onEvent,
    signal,
  })
}

interface Change extends ChangeOptions {
  readonly ask: (session: BackupSession, options: RequestOptions) => Promise<BackupOutcome>
  readonly isDone: (settings: BackupSettings) => boolean
}

async function change(phone: Phone, { ask, isDone, onEvent, ...options }: Change): Promise<SettingsChange> {
  return await whileAwake(phone, options, async (signal) => {
    const before = await readBackupSettings(phone, { signal })
    const { ios } = await readIdentity(phone, { signal })
    // First the ears, so that they are open by the time the phone asks for its passcode.
    const bell = new Bell(phone.clock)
    await using _listening = await listenToPhone(phone, { onEvent, onSettingsChanged: () => bell.ring(), signal })
    await using session = await openBackupSession(phone, { signal })
    const outcome = await ask(session, { udid: phone.udid, ios, onEvent, signal })
    const isAwaited = (settings: BackupSettings) => outcome.outcome === 'finished' && !isDone(settings)
    return { outcome, before, after: await readWhile(phone, isAwaited, { bell, signal }) }
  })
}

/** Reads the settings again, at once when the phone says that they changed, until they need not be awaited any more; for a minute. */
async function readWhile(
  phone: Phone,
  isAwaited: (settings: BackupSettings) => boolean,
  { bell, signal }: WaitOptions & { readonly bell: Bell },
): Promise<BackupSettings> {
  const untilMs = phone.clock.elapsedMs() + SETTLED_MS_MAX
  for (;;) {
    const settings = await readBackupSettings(phone, { signal })
    if (!isAwaited(settings) || phone.clock.elapsedMs() >= untilMs) return settings
    await bell.wait(LOOK_AGAIN_MS, { signal })
  }
}

/** Some phones write a truth value as 0 or 1. */
function truthOf(value: Plist | undefined): boolean | undefined {
  const number = numberOf(value)
  return boolOf(value) ?? (number === undefined ? undefined : number !== 0)
}
