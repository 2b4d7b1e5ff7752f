import { hash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Plist } from '../../plist/index.ts'
import type { Entry, PhoneContents } from '../contents/index.ts'
import type { Mischief } from './mischief.ts'
import { PasscodeSheet } from './passcode-sheet.ts'

/** What the backup service needs of a phone. */
export interface BackupPhone {
  readonly udid: string
  readonly contents: PhoneContents
  readonly clock: Clock
  /** Values of lockdownd; the empty domain is the one that needs no name. */
  readonly lockdown: {
    get(domain: string, key: string): Plist | undefined
    set(domain: string, key: string, value: Plist): void
  }
  /** Made once for a phone by `newBackupAgent`: it outlives the sessions. */
  readonly agent: BackupAgent
  /** Posts a notification to whoever observes it through notification_proxy. */
  post(notification: string): void
}

/** How the phone's backup engine behaves, to be changed at any time by whoever tests a host, and what it remembers. */
export interface BackupAgent {
  /** The sheet that asks for the passcode before every backup (iOS 16.1 and later). */
  readonly passcode: PasscodeSheet
  /** Device management forbids backups to computers: error 22. */
  forbiddenByManagement: boolean
  /** False: the setup assistant was not finished, error 212. */
  isSetUp: boolean
  /** Nothing is said for that long while the phone looks at its files. */
  scanMs: number
  /** Called after the last byte of a file was read and before its batch ends: the place to change the file under the reader. */
  afterRead: ((entry: Entry) => void) | undefined
  /** Played instead of the next backups. */
  mischief: Mischief | undefined
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
  const hex = hash('sha1', `${udid} ${edits} ${newestS}`).toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

/** A well-behaved agent: set up, allowed, without a passcode. */
export function newBackupAgent(): BackupAgent {
  return {
    passcode: new PasscodeSheet(),
    forbiddenByManagement: false,
    isSetUp: true,
    scanMs: 0,
    afterRead: undefined,
    mischief: undefined,
    cache: undefined,
  }
}
