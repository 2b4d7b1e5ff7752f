import type { CauseId } from './causes.ts'
import { examine } from './checks.ts'
import type { Attempt } from './cures.ts'
import type { NextStep, Verdict } from './diagnosis.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import type { Trial } from './history.ts'
import type { RemedyId } from './remedies.ts'
import { nextStep, pendingTrial, planSteps, type Situation } from './steps.ts'
import { type Suspect, suspectsOf } from './suspects.ts'
import { verdictOf } from './verdict.ts'

/** A diagnosis before anybody was asked. */
export interface Judgement {
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
  /** The likeliest cause of those against which something is left to do. */
  readonly cause: CauseId | undefined
  /** What was found for it; none where it is only what is left to try. */
  readonly suspect: Suspect | undefined
  readonly others: readonly CauseId[]
  readonly step: NextStep | undefined
  readonly escalation: readonly RemedyId[]
}

export function judgeFacts(facts: Facts, history: readonly Trial[]): Judgement {
  const verdict = verdictOf(facts)
  const findings = examine(facts)
  const { live, others } = suspectsOf(findings, verdict)
  const situation = { facts, verdict, live, history }
  const plan = planSteps(situation)
  const step = nextStep(plan, situation)
  const suspect = live.find((one) => plan.some((attempt) => attempt.cause === one.cause))
  const cause = suspect?.cause ?? plan[0]?.cause
  return {
    verdict,
    findings,
    cause,
    suspect,
    others: [...live, ...others].map((other) => other.cause).filter((other) => other !== cause),
    step,
    escalation: remediesAfter(step, plan, situation),
  }
}

/** What is neither done now nor so new that its effect is awaited. */
function remediesAfter(
  step: NextStep | undefined,
  plan: readonly Attempt[],
  situation: Situation,
): readonly RemedyId[] {
  const awaited = pendingTrial(situation)?.remedy
  return plan.map(({ remedy }) => remedy).filter((remedy) => remedy !== step?.remedy && remedy !== awaited)
}
