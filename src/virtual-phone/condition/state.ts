/** What a person does when the phone asks: says yes at once, leaves it on the screen until told, or says no at once. */
export type Reaction = (typeof REACTIONS)[number]

export const REACTIONS = ['accept', 'ask', 'refuse'] as const

/**
 * Where the phone gets its power: its battery, a charger that charges it, a charger that holds it where it is (full, or at a
 * charge limit), or a cable that is in and gives nothing.
 */
export type Power = (typeof POWERS)[number]

export const POWERS = ['battery', 'charging', 'held', 'dead-cable'] as const

/** What a charger says it is: fast, ordinary, or a computer, which is slow. */
export type Adapter = (typeof ADAPTERS)[number]
export const ADAPTERS = ['pd charger', 'usb brick', 'usb host'] as const

/** The state that a phone is in. Plain data; `Condition` is what changes it. */
export interface ConditionState {
  /** Undefined: the phone has no passcode. */
  readonly passcode: string | undefined
  /** The screen is locked; it matters only where there is a passcode. */
  readonly isLocked: boolean
  /** False between a restart and the first time the passcode is entered; it matters only where there is a passcode. */
  readonly isUnlockedSinceBoot: boolean
  /** "Trust This Computer?" */
  readonly trust: Reaction
  /** The passcode sheet at the start of a backup: entered right, left alone, or cancelled. */
  readonly passcodePrompt: Reaction
  readonly power: Power
  /** What it is plugged into, if anything. */
  readonly adapter: Adapter
  /** 0 to 100. */
  readonly batteryPercent: number
  /** Joined to a Wi-Fi that leads somewhere. */
  readonly isOnWifi: boolean
  readonly isFindMyOn: boolean
  /** Free room on the phone's disk, bytes; undefined: what its contents leave. */
  readonly freeBytes: number | undefined
  /** The setup assistant was finished. */
  readonly isSetUp: boolean
  /** Device management: no backups to computers, none to iCloud, encrypted backups only, no computers to be trusted. */
  readonly forbidsBackup: boolean
  readonly forbidsCloudBackup: boolean
  readonly requiresEncryption: boolean
  readonly forbidsPairing: boolean
  /** An organisation supervises the phone; what it calls itself, and how many profiles it has installed. */
  readonly isSupervised: boolean
  readonly organization: string | undefined
  readonly profiles: number
  /** How far its clock is ahead of the true time, milliseconds; negative when it is behind. */
  readonly clockAheadMs: number
  /** Another program holds the sync lock. */
  readonly isSyncing: boolean
  /** Somebody is signed in to iCloud. */
  readonly hasCloudAccount: boolean
  /** Its account has iCloud with it; some are for purchases only. */
  readonly isCloudProvisioned: boolean
  /** The switch of iCloud Backup says yes to a computer, and stays as it was. */
  readonly isCloudSwitchStuck: boolean
  /** A restore from iCloud is running. */
  readonly isRestoringFromCloud: boolean
  /** Computers may erase the phone; a real one cannot be told not to let them. */
  readonly mayBeErased: boolean
  /**
   * Reports disagree about computers that come between a restart and the first unlock: false, StartSession is refused; true, it
   * is granted, and StartService is refused where the person's data is needed.
   */
  readonly admitsBeforeFirstUnlock: boolean
}

/** A phone in everyday use: set up, charging, without a passcode, and trusting whoever asks. */
export const EVERYDAY: ConditionState = {
  passcode: undefined,
  isLocked: false,
  isUnlockedSinceBoot: true,
  trust: 'accept',
  passcodePrompt: 'ask',
  power: 'charging',
  adapter: 'pd charger',
  batteryPercent: 80,
  isOnWifi: true,
  isFindMyOn: true,
  freeBytes: undefined,
  isSetUp: true,
  forbidsBackup: false,
  forbidsCloudBackup: false,
  requiresEncryption: false,
  forbidsPairing: false,
  isSupervised: false,
  organization: undefined,
  profiles: 0,
  clockAheadMs: 0,
  isSyncing: false,
  hasCloudAccount: true,
  isCloudProvisioned: true,
  isCloudSwitchStuck: false,
  isRestoringFromCloud: false,
  mayBeErased: false,
  admitsBeforeFirstUnlock: false,
}

/** Locked so that only the passcode opens it: what lockdownd calls `PasswordProtected`. */
export function isPasswordProtected({ passcode, isLocked }: ConditionState): boolean {
  return passcode !== undefined && isLocked
}

/** Not even computers that are paired can have what the passcode protects. */
export function isBeforeFirstUnlock({ passcode, isUnlockedSinceBoot }: ConditionState): boolean {
  return passcode !== undefined && !isUnlockedSinceBoot
}
