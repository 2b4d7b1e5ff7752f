import assert from 'node:assert/strict'
import type { WaitOptions } from '../../base/channel.ts'
import type { Secret } from '../../base/secret.ts'
import type { PlistDict } from '../../plist/index.ts'
import type { FinalResponse } from '../device-link/message.ts'
import { compareIos } from '../ios-version.ts'
import type { OnBackupEvent } from './backup-events.ts'
import type { BackupHost } from './backup-host.ts'
import type { BackupSession } from './backup-session.ts'
import { askAndServe } from './conversation.ts'
import { emptyHost } from './empty-host.ts'

export interface RequestOptions extends WaitOptions {
  /** The phone's UniqueDeviceID, exactly: phones hang up on any other. */
  readonly udid: string
  /** Its iOS version, if known: it tells whether silence may mean that the phone asks for its passcode. */
  readonly ios?: string | undefined
  readonly onEvent?: OnBackupEvent | undefined
}

export interface BackupOptions extends RequestOptions {
  readonly host: BackupHost
}

/** How a request ended when the phone had the last word; `backupError` and its kin turn a refusal into words. */
export type BackupOutcome = { readonly outcome: 'finished' } | ({ readonly outcome: 'refused' } & BackupRefusal)

/** A phone's refusal: the code is of MBErrorDomain and never 0, the description is Apple's text. */
export interface BackupRefusal {
  readonly code: number
  readonly description: string
}

/** Makes one backup. What ends it, and how, is said at `askAndServe`; after a drop the phone can resume. */
export async function runBackup(session: BackupSession, options: BackupOptions): Promise<BackupOutcome> {
  const request = { MessageName: 'Backup', TargetIdentifier: options.udid }
  return await perform(session, request, { ...options, passcodeSince: PASSCODE_FOR_BACKUP })
}

/**
 * What a phone is told about a restore, by Apple's names. All are always sent, since phones read some that are missing as true.
 * Source: docs/protocol/mobilebackup2.md#restoring-from-a-host.
 */
export interface RestoreOptions {
  /** System files and settings too, not only apps and their data. Phones decide by themselves for backups of their own class. */
  readonly restoreSystemFiles: boolean
  /** Restart when done: without it nothing of the restore shows until a person restarts the phone. */
  readonly restoreShouldReboot: boolean
  /** False: the phone has the host copy its present backup aside before it restores. */
  readonly restoreDontCopyBackup: boolean
  /** Keep the phone's own settings where they differ from the backup's. */
  readonly restorePreserveSettings: boolean
  /** Delete what is on the phone and not in the backup. */
  readonly removeItemsNotRestored: boolean
  /** Of an encrypted backup. */
  readonly password?: Secret | undefined
  /** Only the data of these apps, by bundle id; all of the backup when left out. */
  readonly applicationIds?: readonly string[] | undefined
}

export interface RestoreRequest extends BackupOptions {
  /** The phone that the backup is of: the host's top folder. */
  readonly sourceUdid: string
  readonly options: RestoreOptions
}

/**
 * Restores a backup to the phone. A phone that hangs up, or resets the connection, behind its success has finished: it restarts.
 * Else as `runBackup`; a restore that was dropped half-way may leave the phone needing another one.
 */
export async function runRestore(session: BackupSession, request: RestoreRequest): Promise<BackupOutcome> {
  const { udid, sourceUdid, options } = request
  const message = {
    MessageName: 'Restore',
    TargetIdentifier: udid,
    SourceIdentifier: sourceUdid,
    ...applicationsOf(options),
    Options: restoreOptionsOf(options),
  }
  return await perform(session, message, request)
}

function restoreOptionsOf(options: RestoreOptions): PlistDict {
  return {
    RestoreSystemFiles: options.restoreSystemFiles,
    RestoreShouldReboot: options.restoreShouldReboot,
    RestoreDontCopyBackup: options.restoreDontCopyBackup,
    RestorePreserveSettings: options.restorePreserveSettings,
    RemoveItemsNotRestored: options.removeItemsNotRestored,
    ...(options.password !== undefined && { Password: options.password.reveal() }),
    ...applicationsOf(options),
  }
}

/** Where phones look for the list is not proven: a list they overlook would restore everything, so it is in both places. */
function applicationsOf({ applicationIds }: RestoreOptions): PlistDict {
  return applicationIds === undefined ? {} : { ApplicationIDs: applicationIds }
}

export interface PasswordChange extends RequestOptions {
  /** Missing: backups are not encrypted yet. */
  readonly old?: Secret | undefined
  /** Missing: backups shall not be encrypted any more. */
  readonly new?: Secret | undefined
  /** An existing backup that shall follow the new password; without one, existing backups keep the old password. */
  readonly host?: BackupHost | undefined
}

/**
 * Sets, changes or removes the password that the phone encrypts its backups with; since iOS 13 the phone asks for its passcode
 * first. The next backup is a full one. Source: docs/protocol/mobilebackup2.md#changing-the-password.
 */
export async function changeBackupPassword(session: BackupSession, change: PasswordChange): Promise<BackupOutcome> {
  assert(change.old !== undefined || change.new !== undefined, 'A change names the old password, the new one, or both')
  const request = {
    MessageName: 'ChangePassword',
    TargetIdentifier: change.udid,
    ...(change.old !== undefined && { OldPassword: change.old.reveal() }),
    ...(change.new !== undefined && { NewPassword: change.new.reveal() }),
  }
  return await perform(session, request, { ...change, passcodeSince: PASSCODE_FOR_PASSWORD })
}

/**
 * Turns iCloud Backup of the phone's account on or off. Phones answer before they have done it: re-read `CloudBackupEnabled`.
 * Source: docs/protocol/mobilebackup2.md#icloud-backup.
 */
export async function setCloudBackup(
  session: BackupSession,
  { isOn, ...options }: RequestOptions & { readonly isOn: boolean },
): Promise<BackupOutcome> {
  const { udid } = options
  const request = {
    MessageName: 'EnableCloudBackup',
    TargetIdentifier: udid,
    SourceIdentifier: udid,
    CloudBackupState: isOn,
  }
  return await perform(session, request, options)
}

interface Performance extends RequestOptions {
  readonly host?: BackupHost | undefined
  readonly sourceUdid?: string
  readonly passcodeSince?: readonly string[]
}

async function perform(session: BackupSession, request: PlistDict, options: Performance): Promise<BackupOutcome> {
  const { udid, sourceUdid = udid, ios, onEvent, signal } = options
  const response = await askAndServe(session, request, {
    udids: [udid, sourceUdid],
    host: options.host ?? emptyHost(),
    mayAskPasscode: asksPasscode(ios, options.passcodeSince),
    onEvent,
    signal,
  })
  return outcomeOf(response)
}

function outcomeOf({ code, description }: FinalResponse): BackupOutcome {
  return code === 0 ? { outcome: 'finished' } : { outcome: 'refused', code, description }
}

/** Versions since which a phone asks for its passcode, each within its own major version and the last for all later ones. */
const PASSCODE_FOR_BACKUP = ['15.7.1', '16.1']
const PASSCODE_FOR_PASSWORD = ['13.0']

function asksPasscode(ios: string | undefined, since: readonly string[] = []): boolean {
  const newest = since.at(-1)
  if (ios === undefined || newest === undefined) return false
  const sameMajor = (version: string) => Number.parseInt(version, 10) === Number.parseInt(ios, 10)
  return compareIos(ios, newest) >= 0 || since.some((version) => sameMajor(version) && compareIos(ios, version) >= 0)
}
