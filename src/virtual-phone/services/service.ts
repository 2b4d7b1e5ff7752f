import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { BackupPhone } from '../backup/backup-phone.ts'
import type { Condition } from '../condition/index.ts'
import type { PhoneContents } from '../contents/index.ts'
import type { Identity } from '../identity/identity.ts'
import type { Listeners } from '../listeners.ts'
import type { LockdownValues } from '../lockdown/values.ts'
import type { Trait } from '../personality/index.ts'
import type { MediaTree } from './afc/media-tree.ts'
import type { LogLine, NewLogLine } from './log-line.ts'

/** What the services need of the phone they run on. */
export interface ServicePhone {
  readonly identity: Identity
  readonly condition: Condition
  /** What this version of iOS does. */
  readonly traits: ReadonlySet<Trait>
  readonly values: LockdownValues
  readonly contents: PhoneContents
  readonly media: MediaTree
  /** What crashreportcopymobile shows. */
  readonly crashReports: MediaTree
  readonly clock: Clock
  /** Names of notifications, whoever posts them. */
  readonly notifications: Listeners<string>
  readonly logLines: Listeners<LogLine>
  /** What the backup service gets of the phone. */
  readonly backup: BackupPhone
  /** Writes a line into the log. */
  readonly log: (line: NewLogLine) => void
  /** Told when the phone is to restart, to shut down or to sleep; what it means is up to those who hold the phone. */
  readonly power: Listeners<PowerNews>
  /** Of the host that is served; undefined for one on a cable. */
  readonly link: NetworkLink | undefined
}

/** A connection that came over the network. */
export interface NetworkLink {
  /** It is the one on which the host says that it is there. */
  beats(): void
  /** Ends every network connection of the host. */
  cutHost(reason: Error): void
}

export type PowerRequest = 'restart' | 'shutdown' | 'sleep'

export interface PowerNews {
  readonly what: PowerRequest
  /** The host wants a message on the screen when it worked, or when it did not. */
  readonly displayPass: boolean
  readonly displayFail: boolean
}

/** Serves one connection until the host goes away. The caller closes the channel. */
export type ServeService = (channel: ByteChannel, phone: ServicePhone, options: WaitOptions) => Promise<void>
