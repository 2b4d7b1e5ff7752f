import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { BackupPhone } from '../backup/backup-phone.ts'
import type { PhoneContents } from '../contents/index.ts'
import type { Identity } from '../identity/identity.ts'
import type { Listeners } from '../listeners.ts'
import type { LockdownValues } from '../lockdown/values.ts'
import type { MediaTree } from './afc/media-tree.ts'

/** What the services need of the phone they run on. */
export interface ServicePhone {
  readonly identity: Identity
  readonly values: LockdownValues
  readonly contents: PhoneContents
  readonly media: MediaTree
  readonly clock: Clock
  /** Names of notifications, whoever posts them. */
  readonly notifications: Listeners<string>
  readonly logLines: Listeners<LogLine>
  /** What the backup service gets of the phone. */
  readonly backup: BackupPhone
  /** The host asks for it; what it means is up to those who hold the phone. */
  readonly onPower: (what: PowerRequest) => void
}

export interface LogLine {
  /** The program that says it. */
  readonly process: string
  readonly text: string
}

export type PowerRequest = 'restart' | 'shutdown' | 'sleep'

/** Serves one connection until the host goes away. The caller closes the channel. */
export type ServeService = (channel: ByteChannel, phone: ServicePhone, options: WaitOptions) => Promise<void>
