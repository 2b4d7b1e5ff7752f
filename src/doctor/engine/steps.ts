import { applies } from './applies.ts'
import type { CauseId } from './causes.ts'
import { isFresh } from './cloud.ts'
import { type Attempt, CURES, ESCALATION, LOSSY, THEN_BACK_UP_NOW } from './cures.ts'
import type { NextStep, Verdict } from './diagnosis.ts'
import { type Facts, known } from './facts.ts'
import { judge, recentTrials, type Trial } from './history.ts'
import type { RemedyId } from './remedies.ts'
import { isByElimination, type Suspect } from './suspects.ts'
import { SAFE_MS } from './thresholds.ts'

export interface Situation {
  readonly facts: Facts
  readonly verdict: Verdict
  readonly live: readonly Suspect[]
  readonly history: readonly Trial[]
}

/** What to do, in this order: what is clear, then a plain try, what is left over, and everything else that ever helped. */
export function planSteps(situation: Situation): readonly Attempt[] {
  const { live, verdict } = situation
  const isCloudBehind = verdict.icloud === 'late' || verdict.icloud === 'problem'
  const firstUnclear = live.findIndex(isByElimination)
  const clear = firstUnclear < 0 ? live : live.slice(0, firstUnclear)
  const attempts = [
    ...clear.flatMap(curesOf),
    ...(isCloudBehind ? ESCALATION.slice(0, 1) : []),
    ...live.slice(clear.length).flatMap(curesOf),
    ...(isCloudBehind ? ESCALATION.slice(1) : []),
    ...(verdict.icloud === 'off' ? ESCALATION.slice(-1) : []),
  ]
  return firstOfEach(attempts).filter((attempt) => isLeft(attempt, situation))
}

/** The first of the plan, unless what was done lately needs its time, or a backup must come first. */
export function nextStep(plan: readonly Attempt[], situation: Situation): NextStep | undefined {
  const [first] = plan
  if (first === undefined) {
    return situation.verdict.icloud === 'waiting' ? step({ remedy: 'wait-a-night', cause: undefined }) : undefined
  }
  const patient = stepOfPatience(first, situation)
  if (patient !== undefined) return step(patient)
  if (!LOSSY.has(first.remedy) || isSafe(situation)) return step(first)
  return { ...step(safeguard(plan, situation)), leadsTo: first.remedy }
}

function step({ remedy, cause }: Attempt): NextStep {
  const isAgainstOwn = cause?.startsWith('own-') ?? false
  return { remedy, cause, thenBackUpNow: !isAgainstOwn && THEN_BACK_UP_NOW.has(remedy) }
}

function curesOf({ cause }: Suspect): readonly Attempt[] {
  return CURES[cause].map((remedy) => ({ remedy, cause }))
}

/** The same remedy for two causes is done once. */
function firstOfEach(attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.filter((attempt, at) => attempts.findIndex(({ remedy }) => remedy === attempt.remedy) === at)
}

/** These do nothing themselves, so they cannot fail. */
const PATIENCE: ReadonlySet<RemedyId> = new Set<RemedyId>(['wait-for-apple', 'wait-for-restore', 'ask-administrator'])

function isLeft({ remedy }: Attempt, { facts, history }: Situation): boolean {
  if (!applies(remedy, facts)) return false
  return !recentTrials(history, facts).some((trial) => {
    if (trial.remedy !== remedy) return false
    const result = judge(trial, facts)
    return result === 'declined' || (result === 'did-not-help' && !PATIENCE.has(remedy))
  })
}

/** What was done lately is followed by a tap on Back Up Now, and then by a night. */
function stepOfPatience(first: Attempt, situation: Situation): Attempt | undefined {
  const pending = pendingTrial(situation)
  if (pending === undefined || isNewlyCertain(first.cause, pending, situation)) return undefined
  const { cause } = pending
  if (cause?.startsWith('own-')) {
    const canRun = pending.remedy !== 'back-up-here' && applies('back-up-here', situation.facts)
    return canRun ? { remedy: 'back-up-here', cause } : undefined
  }
  // Nothing can be backed up by hand, or in the night, while the switch is off.
  if (situation.verdict.icloud === 'off') return undefined
  const wasTapped = situation.history.some(({ remedy, atMs }) => remedy === 'back-up-now' && atMs >= pending.atMs)
  const canTap = THEN_BACK_UP_NOW.has(pending.remedy) && !wasTapped
  return { remedy: canTap ? 'back-up-now' : 'wait-a-night', cause }
}

/** The newest trial whose effect cannot be seen yet. */
export function pendingTrial({ facts, history }: Situation): Trial | undefined {
  const trials = recentTrials(history, facts).filter(({ remedy }) => !PATIENCE.has(remedy))
  return trials.toSorted((one, other) => one.atMs - other.atMs).findLast((trial) => judge(trial, facts) === 'too-early')
}

/** Something else has turned up since that cannot wait. */
function isNewlyCertain(cause: CauseId | undefined, pending: Trial, { live }: Situation): boolean {
  if (cause === undefined || cause === pending.cause) return false
  const isOtherSide = cause.startsWith('own-') !== (pending.cause?.startsWith('own-') ?? false)
  return isOtherSide || live.some((suspect) => suspect.cause === cause && suspect.certainty === 'certain')
}

/** Some backup is so fresh that nothing that matters can be lost, or the person has chosen to go without. */
function isSafe({ facts, history }: Situation): boolean {
  const newestMs = Math.max(known(facts, 'ownLastMs') ?? 0, known(facts, 'anyComputerLastMs') ?? 0)
  if (isFresh(facts) || facts.nowMs - newestMs < SAFE_MS) return true
  return history.some(
    ({ remedy, result, atMs }) =>
      (remedy === 'back-up-here' || remedy === 'back-up-on-a-computer') &&
      (result === 'declined' || result === 'helped') &&
      facts.nowMs - atMs < SAFE_MS,
  )
}

/** The way to a backup of our own; what stands in its way is put right first. */
function safeguard(plan: readonly Attempt[], { facts }: Situation): Attempt {
  const own = plan.find(({ cause }) => cause?.startsWith('own-'))
  if (own !== undefined) return own
  const remedy = applies('back-up-here', facts) ? 'back-up-here' : 'back-up-on-a-computer'
  return { remedy, cause: undefined }
}
