import { compareIos } from '../device/index.ts'

/** What a phone told before a restore; undefined is what it did not tell. */
export interface PhoneFacts {
  readonly udid: string
  readonly ios: string | undefined
  /** Such as `iPhone15,4`. */
  readonly model: string | undefined
  /** Room for a restore, bytes. */
  readonly availableBytes: number | undefined
  readonly batteryPercent: number | undefined
  readonly isOnPower: boolean | undefined
  readonly isFindMyOn: boolean | undefined
  /** By an organisation. */
  readonly isSupervised: boolean | undefined
}

/** What a snapshot holds. */
export interface BackupFacts {
  /** Of the phone that it was made of. */
  readonly udid: string
  readonly ios: string | undefined
  readonly model: string | undefined
  /** `finished`, or how far the phone got; undefined without a readable Status.plist. */
  readonly snapshotState: string | undefined
  readonly bytes: number
  readonly isEncrypted: boolean
  /** `none`: the backup needs none. `unknown`: the backup is too damaged to tell. */
  readonly password: 'none' | 'opens' | 'missing' | 'wrong' | 'unknown'
  readonly completeness: Completeness
}

/** How the snapshot's files compare with the list that the phone made of them. */
export type Completeness =
  | {
      readonly kind: 'compared'
      readonly files: number
      readonly missing: number
      /** Files without a byte that the phone listed with some. */
      readonly emptied: number
      /** Ids of some that are missing or emptied. */
      readonly examples: readonly string[]
    }
  /** The list is there but the password to it is not. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'damaged'; readonly saw: string }

/** What a restore may fail at, or do harm by. */
export type RestoreCheckName =
  | 'finished'
  | 'complete'
  | 'password'
  | 'ios'
  | 'model'
  | 'room'
  | 'battery'
  | 'find-my'
  | 'supervision'

/** One guard rail before a restore: what was seen, and what to do about it. `stop`: a restore would fail or do harm. */
export type RestoreCheck = { readonly check: RestoreCheckName } & RestoreVerdict

export type RestoreVerdict =
  | { readonly verdict: 'ok'; readonly saw: string }
  | { readonly verdict: 'warn' | 'stop'; readonly saw: string; readonly remedy: string }

type Rail = (backup: BackupFacts, phone: PhoneFacts) => RestoreVerdict

/** All of them, the backup's own first. Pure. */
export function judgeRestore(backup: BackupFacts, phone: PhoneFacts): readonly RestoreCheck[] {
  return RAILS.map(([check, rail]) => ({ check, ...rail(backup, phone) }))
}

const RAILS: readonly (readonly [RestoreCheckName, Rail])[] = [
  ['finished', judgeFinished],
  ['password', judgePassword],
  ['complete', judgeCompleteness],
  ['ios', judgeIos],
  ['model', judgeModel],
  ['room', judgeRoom],
  ['battery', judgeBattery],
  ['find-my', judgeFindMy],
  ['supervision', judgeSupervision],
]

/** The names of all of them, in their order. */
export const RESTORE_CHECKS: readonly RestoreCheckName[] = RAILS.map(([check]) => check)

const ok = (saw: string): RestoreVerdict => ({ verdict: 'ok', saw })
const warn = (saw: string, remedy: string): RestoreVerdict => ({ verdict: 'warn', saw, remedy })
const stop = (saw: string, remedy: string): RestoreVerdict => ({ verdict: 'stop', saw, remedy })

const CHOOSE_ANOTHER = 'Choose another snapshot'

function judgeFinished({ snapshotState }: BackupFacts): RestoreVerdict {
  if (snapshotState === 'finished') return ok('The phone finished this backup')
  return stop(`The backup is not finished (${snapshotState ?? 'its Status.plist cannot be read'})`, CHOOSE_ANOTHER)
}

function judgePassword({ password }: BackupFacts): RestoreVerdict {
  switch (password) {
    case 'none':
      return ok('The backup is not encrypted')
    case 'opens':
      return ok('The password opens the backup')
    case 'missing':
      return stop('The backup is encrypted and no password was given', 'Give the backup password set when it was made')
    case 'wrong':
      return stop(
        'The password does not open the backup',
        'Try the backup password that was set when this backup was made; it is not the passcode',
      )
    case 'unknown':
      return warn('Whether a password is right cannot be told of a damaged backup', CHOOSE_ANOTHER)
  }
}

function judgeCompleteness({ completeness }: BackupFacts): RestoreVerdict {
  if (completeness.kind === 'damaged') return stop(completeness.saw, CHOOSE_ANOTHER)
  if (completeness.kind === 'closed') {
    return warn('The list of files cannot be read without the password', 'Give the backup password')
  }
  const { files, missing, emptied, examples } = completeness
  const named = `for example ${examples.join(', ')}`
  if (missing > 0) {
    return stop(
      `${missing} of ${files} files are not in the snapshot, ${named}`,
      `${CHOOSE_ANOTHER}: phones stop at the first`,
    )
  }
  if (emptied > 0) {
    return warn(`${emptied} of ${files} files are empty and should not be, ${named}`, 'Expect these files to be lost')
  }
  return ok(`All ${files} files are there`)
}

function judgeIos(backup: BackupFacts, phone: PhoneFacts): RestoreVerdict {
  if (backup.ios === undefined || phone.ios === undefined) {
    return warn('The iOS versions cannot be compared', 'See that the phone has at least the iOS that the backup is of')
  }
  const both = `the backup is of iOS ${backup.ios}, the phone has ${phone.ios}`
  if (compareIos(backup.ios, phone.ios) <= 0) return ok(sentence(both))
  return stop(sentence(both), 'Update iOS on the phone first (Settings, General, Software Update)')
}

function judgeModel(backup: BackupFacts, phone: PhoneFacts): RestoreVerdict {
  const both = modelsInWords(backup, phone)
  if (backup.model === undefined || phone.model === undefined || familyOf(backup.model) !== familyOf(phone.model)) {
    return warn(both, 'Expect settings and some apps not to come over between an iPhone and an iPad')
  }
  if (backup.udid !== phone.udid && !backup.isEncrypted) {
    return warn(
      both,
      'Expect to sign in everywhere again: saved passwords come over to another phone only in an encrypted backup',
    )
  }
  return ok(both)
}

function modelsInWords(backup: BackupFacts, phone: PhoneFacts): string {
  if (backup.udid === phone.udid) return 'The backup is of this phone'
  if (backup.model !== undefined && backup.model === phone.model) return `The backup is of another ${phone.model}`
  return `The backup is of another phone (${backup.model ?? 'unknown model'}) than this one (${phone.model ?? 'unknown model'})`
}

/** `iPhone15,4` is of the family `iPhone`. */
function familyOf(model: string): string {
  return model.replace(/\d.*$/, '')
}

function judgeRoom({ bytes }: BackupFacts, { availableBytes }: PhoneFacts): RestoreVerdict {
  if (availableBytes === undefined) {
    return warn('The phone does not say how much room it has', `See that it has ${amount(bytes)} free`)
  }
  const both = `the backup has ${amount(bytes)}, the phone has ${amount(availableBytes)} free`
  if (bytes <= availableBytes) return ok(sentence(both))
  return stop(sentence(both), 'Free room on the phone, erase it first, or use a phone with more storage')
}

/** A restore takes up to hours and must not end in the middle. */
const BATTERY_PERCENT_MIN = 50

function judgeBattery(_: BackupFacts, { batteryPercent, isOnPower }: PhoneFacts): RestoreVerdict {
  const level = batteryPercent === undefined ? 'The battery level is not known' : `The battery has ${batteryPercent} %`
  if (isOnPower === true) return ok(`${level}; the phone is on power`)
  if (batteryPercent === undefined) return warn(level, 'Connect the phone to power until the restore is done')
  if (batteryPercent >= BATTERY_PERCENT_MIN) return ok(level)
  return stop(
    `${level} and is not charging`,
    'Connect the phone to power, and leave it there until the restore is done',
  )
}

function judgeFindMy(_: BackupFacts, { isFindMyOn }: PhoneFacts): RestoreVerdict {
  const remedy = 'Turn off Find My on the phone (Settings, your name, Find My) until the restore is done'
  if (isFindMyOn === true) return stop('Find My is on', remedy)
  if (isFindMyOn === undefined) return warn('The phone does not say whether Find My is on', remedy)
  return ok('Find My is off')
}

/** Since this version a restore to a supervised phone has ended in an empty one. Source: docs/protocol/mobilebackup2.md#supervision. */
const SUPERVISED_HARM_IOS = '27'

function judgeSupervision(_: BackupFacts, { ios, isSupervised }: PhoneFacts): RestoreVerdict {
  if (isSupervised === false) return ok('No organisation supervises the phone')
  const isHarmful = ios !== undefined && compareIos(ios, SUPERVISED_HARM_IOS) >= 0
  const who = isSupervised ? 'An organisation supervises the phone' : 'The phone does not say whether it is supervised'
  if (!isHarmful) return ok(who)
  const remedy =
    'Do not restore to a supervised phone with iOS 27: it was reported to come out empty; ask its administrator'
  return isSupervised ? stop(who, remedy) : warn(who, remedy)
}

/** In the units in which everything else is told; what is full has no `0.0 GiB`. */
function amount(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.ceil(bytes / 2 ** 10)} KiB`
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
