import type { Clock } from '../../base/clock.ts'
import type { Secret } from '../../base/secret.ts'
import { numberOf, type Plist } from '../../plist/index.ts'
import type { Condition } from '../condition/index.ts'
import type { Entry, PhoneContents } from '../contents/index.ts'
import type { Faults } from '../faults/index.ts'
import type { Trait } from '../personality/index.ts'
import { uuidOf } from '../uuid-of.ts'
import { BackupEncryption } from './encryption/backup-encryption.ts'

/** What the backup service needs of a phone. */
export interface BackupPhone {
  readonly udid: string
  readonly contents: PhoneContents
  readonly clock: Clock
  readonly condition: Condition
  /** What this version of iOS does. */
  readonly traits: ReadonlySet<Trait>
  /** What is to go wrong. */
  readonly faults: Faults
  /** Values of lockdownd; the empty domain is the one that needs no name. */
  readonly lockdown: {
    get(domain: string, key: string): Plist | undefined
    set(domain: string, key: string, value: Plist): void
  }
  /** Made once for a phone by `newBackupAgent`: it outlives the sessions. */
  readonly agent: BackupAgent
  /** Posts a notification to whoever observes it through notification_proxy. */
  post(notification: string): void
  /** A backup is finished: called before the host is told. */
  onBackedUp(): void
  /** A host has erased the phone: called before the connection drops. */
  onErase(): void
  /** Bundle IDs of the apps that the host wants to be installed after a restore. */
  restoreApplications(): ReadonlySet<string>
  /** A restore is over and wants the phone to restart: called after the host was told. */
  onRestart(): void
}

/** Lockdown domain of what iOS lets hosts know about backups. */
export const BACKUP_DOMAIN = 'com.apple.mobile.backup'

/** What the phone's backup engine remembers, and where whoever tests a host can step in. */
export interface BackupAgent {
  /** The backup password. */
  readonly encryption: BackupEncryption
  /** A restore left its folders behind, as one without a restart after it does: error 102 for the next, until the phone restarts. */
  hasRestoreLeftovers: boolean
  /** Called after the last byte of a file was read and before its batch ends: the place to change the file under the reader. */
  afterRead: ((entry: Entry) => void) | undefined
  /** Survives a lost connection, is dropped after an error that the host was told. */
  cache: DeviceCache | undefined
}

/** What the phone knows to be in the host's Snapshot folder, so that the next run need not send it again. */
export interface DeviceCache {
  /** Of the Status.plist that it belongs to. */
  readonly uuid: string
  /** By file ID; only files that the host confirmed. */
  readonly sent: Map<string, SentFile>
}

export interface SentFile {
  readonly modifiedS: number
  /** SHA-1 of the bytes that were sent; only for system domains. */
  readonly digest?: Uint8Array
}

/** Where lockdownd tells how much room there is; the smallest counts. */
const ROOM_KEYS = ['AmountRestoreAvailable', 'AmountDataAvailable', 'TotalDataAvailable'] as const

/** Bytes that the phone can take up. */
export function roomOf({ lockdown }: BackupPhone): number {
  return Math.min(...ROOM_KEYS.flatMap((key) => numberOf(lockdown.get('com.apple.disk_usage', key)) ?? []))
}

/**
 * The time that the phone writes into a backup: of the last thing that happened on it. A real phone writes the time of day;
 * this way two backups of one state are the same to the byte, whoever makes them, and hosts can be compared.
 */
export function timeOfBackup({ contents }: BackupPhone): Date {
  return new Date(contents.revision.newestS * 1000)
}

/** The id of a full backup, for the same reason: another one for every state of the phone. */
export function uuidOfBackup({ udid, contents }: BackupPhone): string {
  const { edits, newestS } = contents.revision
  return uuidOf(`${udid} ${edits} ${newestS}`)
}

/** How a phone is set up that has a backup password, or whose key bags are to be made faster than a real phone's. */
export interface EncryptionOptions {
  readonly password?: Secret
  /** Of the first PBKDF2; `PHONE_ITERATIONS` unless given, which takes seconds. */
  readonly iterations?: number
}

export function setUpEncryption(phone: EncryptingPhone, { password, iterations }: EncryptionOptions = {}): void {
  if (iterations !== undefined) phone.agent.encryption.iterations = iterations
  if (password !== undefined) setBackupPassword(phone, password)
}

type EncryptingPhone = Pick<BackupPhone, 'agent' | 'lockdown'>

/**
 * Sets the backup password, or with undefined takes it away, and lets lockdownd tell. What was sent of an unfinished backup is
 * forgotten: it was encrypted otherwise.
 */
export function setBackupPassword({ agent, lockdown }: EncryptingPhone, password: Secret | undefined): void {
  agent.encryption.password = password
  agent.cache = undefined
  lockdown.set(BACKUP_DOMAIN, 'WillEncrypt', password !== undefined)
}

/** Without a backup password, and with nothing to remember. */
export function newBackupAgent(): BackupAgent {
  return {
    encryption: new BackupEncryption(),
    hasRestoreLeftovers: false,
    afterRead: undefined,
    cache: undefined,
  }
}
