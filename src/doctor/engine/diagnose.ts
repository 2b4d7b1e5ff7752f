import type { Diagnosis } from './diagnosis.ts'
import type { Facts } from './facts.ts'
import type { Trial } from './history.ts'
import { nextQuestion } from './interview.ts'
import { judgeFacts } from './judgement.ts'
import { isByElimination } from './suspects.ts'

/** What the facts come to, and what to do next, given what was tried before. Never throws. */
export function diagnose(facts: Facts, history: readonly Trial[] = []): Diagnosis {
  const { verdict, findings, cause, suspect, others, step, escalation } = judgeFacts(facts, history)
  const question = nextQuestion(facts, history)
  // While there is more to ask, a vague suspicion is not called the cause.
  const isVague = suspect !== undefined && isByElimination(suspect) && question !== undefined
  return {
    verdict,
    cause: isVague ? undefined : cause,
    others: isVague ? [suspect.cause, ...others] : others,
    findings,
    nextStep: step,
    question,
    escalation,
  }
}
