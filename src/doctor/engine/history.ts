import { type CauseId, OWN_CAUSES } from './causes.ts'
import { type Facts, known, reading } from './facts.ts'
import type { RemedyId } from './remedies.ts'
import { DAY_MS, FRESH_MS, MINUTE_MS } from './thresholds.ts'

/** A remedy that was tried. */
export interface Trial {
  readonly remedy: RemedyId
  readonly cause: CauseId | undefined
  readonly atMs: number
  /** What came of it, once that is settled. `declined`: the person will not or cannot do it. */
  readonly result?: 'helped' | 'did-not-help' | 'declined'
}

/** `too-early`: a backup to iCloud needs a night. */
export type TrialResult = 'helped' | 'did-not-help' | 'declined' | 'too-early'

/** What a second look says of a trial. */
export function judge(trial: Trial, facts: Facts): TrialResult {
  if (trial.result !== undefined) return trial.result
  const effect = effectOf(trial)
  return effect === undefined ? cloudResult(trial, facts) : resultOf(effect, trial, facts)
}

/** The trials of the present trouble: those before the last backup to iCloud belong to another one. */
export function recentTrials(trials: readonly Trial[], facts: Facts): readonly Trial[] {
  const sinceMs = facts.nowMs - FORGOTTEN_MS
  const lastMs = known(facts, 'cloudLastMs') ?? 0
  return trials.filter((trial) => trial.atMs > (effectOf(trial) === undefined ? Math.max(sinceMs, lastMs) : sinceMs))
}

/** After so long everything may be tried again. */
const FORGOTTEN_MS = 60 * DAY_MS
/** The phone answers before it has saved the switch. */
const SWITCH_MS = MINUTE_MS

type Effect = (trial: Trial, facts: Facts) => boolean | undefined

/** Remedies whose effect can be seen at once, or within minutes; undefined where it cannot be seen yet. */
const EFFECTS: Partial<Readonly<Record<RemedyId, Effect>>> = {
  'enable-cloud-backup': switchEffect,
  'turn-on-switch': switchEffect,
  'allow-wifi-connections': (_, facts) => known(facts, 'wifiConnections'),
  'back-up-here': backupEffect,
  'back-up-on-a-computer': ({ atMs }, facts) => ((known(facts, 'anyComputerLastMs') ?? 0) >= atMs ? true : undefined),
  'connect-cable': (_, facts) => isReached(facts),
  'start-usbmuxd': (_, facts) => isReached(facts),
  'trust-computer': (_, facts) => isClear(facts, 'obstacle'),
  'enter-passcode': backupEffect,
  'reach-repository': (_, facts) => isClear(facts, 'repositoryObstacle'),
  'unlock-repository': (_, facts) => isClear(facts, 'repositoryObstacle'),
  'repair-repository': (_, facts) => isClear(facts, 'repositoryObstacle'),
  'give-repository-password': (_, facts) => isClear(facts, 'repositoryObstacle'),
  'give-backup-password': (_, facts) => known(facts, 'knowsPassword'),
  'set-backup-password': (_, facts) => known(facts, 'isEncrypted'),
}

/** What other remedies do against these causes. */
const CAUSE_EFFECTS: Partial<Readonly<Record<CauseId, Effect>>> = {
  'own-not-seen': (_, facts) => isReached(facts),
  'own-not-unlocked': (_, facts) => isClear(facts, 'obstacle'),
}

/** Undefined for remedies that are meant to bring an iCloud backup about. */
function effectOf({ remedy, cause }: Trial): Effect | undefined {
  const isOwn = cause !== undefined && OWN_CAUSES.some((own) => own === cause)
  return EFFECTS[remedy] ?? (isOwn ? (CAUSE_EFFECTS[cause] ?? backupEffect) : undefined)
}

function resultOf(effect: Effect, trial: Trial, facts: Facts): TrialResult {
  const hasHelped = effect(trial, facts)
  if (hasHelped === undefined) return facts.nowMs - trial.atMs > FRESH_MS ? 'did-not-help' : 'too-early'
  return hasHelped ? 'helped' : 'did-not-help'
}

function switchEffect({ atMs }: Trial, facts: Facts): boolean | undefined {
  const found = reading(facts, 'cloudSwitch')
  if (found.kind === 'unread' || found.atMs <= atMs) return undefined
  if (found.kind === 'known' && found.value) return true
  return found.atMs - atMs > SWITCH_MS ? false : undefined
}

function backupEffect({ atMs }: Trial, facts: Facts): boolean | undefined {
  if ((known(facts, 'ownLastMs') ?? 0) >= atMs) return true
  return (known(facts, 'ownFailure')?.atMs ?? 0) >= atMs ? false : undefined
}

function isReached(facts: Facts): boolean | undefined {
  const { kind } = reading(facts, 'reach')
  return kind === 'unread' ? undefined : kind === 'known'
}

function isClear(facts: Facts, name: 'obstacle' | 'repositoryObstacle'): boolean | undefined {
  const { kind } = reading(facts, name)
  return kind === 'unread' ? undefined : kind === 'absent'
}

/** A backup comes at once by hand, else within a night; an error that came after the remedy says that it was not enough. */
function cloudResult({ atMs }: Trial, facts: Facts): TrialResult {
  if ((known(facts, 'cloudLastMs') ?? 0) > atMs) return 'helped'
  const byHand = reading(facts, 'backUpNow')
  if (byHand.kind === 'known' && byHand.atMs > atMs) {
    if (byHand.value === 'worked') return 'helped'
    if (byHand.value !== 'running') return 'did-not-help'
  }
  if (known(facts, 'cloudErrors')?.some((error) => error.atMs > atMs)) return 'did-not-help'
  return facts.nowMs - atMs > FRESH_MS ? 'did-not-help' : 'too-early'
}
