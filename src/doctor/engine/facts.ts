import { NOT_ASKED, type Reading } from './reading.ts'

/**
 * All that the checks look at, gathered from a phone, from Apple's feeds, from our own repository and notes, or told by the
 * person. A fact that is not there has not been asked for.
 */
export interface Facts {
  /** The present, for every check. */
  readonly nowMs: number
  readonly readings: Readings
}

export type Readings = { readonly [Name in FactName]?: Reading<FactValues[Name]> }

export type FactName = keyof FactValues

/** What is known of a fact. */
export function reading<Name extends FactName>({ readings }: Facts, name: Name): Reading<FactValues[Name]> {
  return readings[name] ?? NOT_ASKED
}

/** The value of a fact; undefined where it is absent or unread. */
export function known<Name extends FactName>(facts: Facts, name: Name): FactValues[Name] | undefined {
  const found = reading(facts, name)
  return found.kind === 'known' ? found.value : undefined
}

/** Times are milliseconds since 1970, sizes bytes. */
export interface FactValues {
  // The phone
  readonly deviceClass: 'iPhone' | 'iPad' | 'iPod'
  /** Apple's name of the model, such as `iPhone15,4`. */
  readonly model: string
  readonly ios: string
  readonly build: string
  /** As the phone's settings have it: `de-DE`. */
  readonly language: string
  readonly timeZone: string
  /** How the phone answers now; absent when it was looked for and not found. */
  readonly reach: 'usb' | 'wifi'
  /** The code of the error that keeps us from talking to it, such as `device.not-paired`; absent when nothing does. */
  readonly obstacle: string
  readonly isLocked: boolean
  readonly hasPasscode: boolean
  /** Since when it has been running, at least. */
  readonly upSinceMs: number
  /** How far its clock is ahead of ours; negative when it is behind. */
  readonly clockAheadMs: number
  /** How far this computer's clock is ahead of Apple's servers. */
  readonly ownClockAheadMs: number
  readonly phoneRoom: Room
  readonly apps: readonly AppSize[]
  readonly management: Management
  readonly setup: 'done' | 'unfinished'
  readonly hasLowPowerMode: boolean
  readonly hasLowDataMode: boolean
  readonly hasVpn: boolean
  readonly hasScreenTimeLock: boolean
  readonly hasAdvancedDataProtection: boolean

  // Its backups to iCloud
  /** Absent when it was never set up. */
  readonly cloudSwitch: boolean
  /** The last one that succeeded; absent when none ever did. */
  readonly cloudLastMs: number
  /** When the switch was turned on. */
  readonly cloudSwitchedOnMs: number
  /** The last time that a backup was restored onto it; absent when none was. */
  readonly restoredMs: number
  /** The newest first. */
  readonly cloudErrors: readonly CloudError[]
  /** When the phone plans the next one. */
  readonly cloudNextMs: number
  /** The phone's own view of what must hold, as its log has it. */
  readonly condition: Condition
  readonly isRestoring: boolean
  /** What the phone shows on its screen or in its settings. */
  readonly message: PhoneMessage
  /** What came of a tap on Back Up Now. */
  readonly backUpNow: 'worked' | 'failed' | 'greyed-out' | 'running'
  /** Of the iCloud plan. */
  readonly cloudRoom: PlanUse
  readonly isSignedIn: boolean
  /** The settings ask for the password, new terms, or an e-mail to be confirmed. */
  readonly accountWantsAttention: boolean

  // Power, Wi-Fi, the nights
  readonly power: Power
  readonly isOnWifi: boolean
  readonly link: LinkQuality
  readonly nights: Nights
  /** What the person says of an ordinary night. */
  readonly chargesAtNight: boolean
  readonly locksAtNight: boolean
  readonly wifiAtNight: boolean

  // From Apple
  readonly services: AppleServices
  readonly newestIos: NewestIos

  // Our own backups
  /** The newest snapshot; absent when there is none; not asked for where no repository is set up. */
  readonly ownLastMs: number
  /** The last run that ended without one; absent when the last succeeded. */
  readonly ownFailure: OwnFailure
  readonly lastSeenMs: number
  readonly wifiConnections: boolean
  readonly isEncrypted: boolean
  readonly requiresEncryption: boolean
  /** Whether the backup password is known here; absent when the phone has none. */
  readonly knowsPassword: boolean
  /** The code of the error that the repository answers with; absent when it opens. */
  readonly repositoryObstacle: string
  readonly ownRoom: Room
  /** What the person may use there, and does; absent when there is no limit. */
  readonly ownAllowance: PlanUse
  /** The last backup to any computer, as the phone tells it. */
  readonly anyComputerLastMs: number
}

export interface Room {
  readonly freeBytes: number
  readonly totalBytes?: number
}

export interface PlanUse {
  readonly usedBytes: number
  readonly totalBytes: number
}

/** What an app may put into a backup, at most. */
export interface AppSize {
  readonly id: string
  readonly name: string
  readonly dataBytes: number
}

export interface Management {
  readonly isSupervised: boolean
  /** Who manages it; private. */
  readonly organization?: string
  readonly profiles: number
  /** The phone said that a profile forbids iCloud Backup. */
  readonly forbidsCloud?: boolean
}

/** An error that the phone noted about an iCloud backup. */
export interface CloudError {
  /** Such as `MBErrorDomain`. */
  readonly domain: string
  readonly code: number
  readonly atMs: number
}

export interface Condition {
  readonly holds: boolean
  readonly enabled: boolean
  readonly locked: boolean
  readonly onPower: boolean
  readonly onWifi: boolean
  readonly onCellular: boolean
}

export interface Power {
  readonly percent?: number
  /** Something that could charge is attached. */
  readonly isConnected: boolean
  readonly isCharging?: boolean
  readonly canCharge?: boolean
  readonly isFull?: boolean
  /** Its charge fell although something was attached. */
  readonly isDraining?: boolean
  readonly adapter?: { readonly description?: string; readonly watts?: number; readonly isUnrecognized: boolean }
}

/** Round trips over Wi-Fi. */
export interface LinkQuality {
  readonly medianMs: number
  readonly slowMs: number
  /** 0 to 1. */
  readonly lostShare: number
}

/** The last nights, from what was noted every few minutes. */
export interface Nights {
  readonly watched: number
  readonly inCondition: number
  readonly withoutPower: number
  readonly withoutLock: number
  readonly withoutWifi: number
}

export type Light = 'ok' | 'outage' | 'recently-fixed' | 'unknown'

export interface AppleService {
  readonly light: Light
  readonly sinceMs?: number
}

export interface AppleServices {
  readonly backup: AppleService
  readonly account: AppleService
  readonly storage: AppleService
}

export interface NewestIos {
  /** The newest for this very model. */
  readonly version: string
  /** Apple gives newer systems to other models, but none to this one. */
  readonly isLastForModel: boolean
}

/** Texts that iPhones show about their backups. Source: docs/protocol/doctor.md#messages */
export const PHONE_MESSAGES = [
  'none',
  'storage-full',
  'not-backed-up-in-weeks',
  'could-not-be-completed',
  'files-unavailable',
  'no-wifi',
  'no-power',
  'account-unreachable',
  'email-unverified',
  'estimating-for-hours',
  'account-needs-update',
  'switch-is-grey',
  'being-restored',
] as const

export type PhoneMessage = (typeof PHONE_MESSAGES)[number]

export interface OwnFailure {
  /** Such as `backup.locked`. */
  readonly code: string
  readonly atMs: number
}
