import type { CauseId } from '../causes.ts'
import { cloudAge, cloudEvidence, isTold } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type FactName, type Facts, reading } from '../facts.ts'
import type { Certainty, CheckId, Evidence, Finding } from '../finding.ts'
import { QUESTION_FACTS } from '../question-facts.ts'
import type { QuestionId } from '../questions.ts'
import { hasFailed } from '../reading.ts'

/** Something that speaks for a cause. */
export interface Sign {
  readonly cause: CauseId
  readonly certainty: Certainty
  readonly evidence: readonly Evidence[]
}

export function sign(cause: CauseId, certainty: Certainty, ...evidence: readonly Evidence[]): Sign {
  return { cause, certainty, evidence }
}

export interface Conclusion {
  readonly check: CheckId
  readonly signs: readonly Sign[]
  /** What shows that all is well, unless there are signs of trouble. */
  readonly proof: readonly Evidence[]
  /** What else is worth telling where there are no signs; it proves nothing. */
  readonly notes?: readonly Evidence[]
  /** Everything in which trouble could have shown. If any of it could not be read, the check is not ok. */
  readonly restsOn: readonly FactName[]
  /** What the person could tell, the most telling first. */
  readonly questions?: readonly QuestionId[]
}

/** One finding for each cause that signs speak for; without signs one that is ok, asked or unknown. */
export function conclude(facts: Facts, conclusion: Conclusion): readonly Finding[] {
  const { check, signs, proof, notes = [], restsOn, questions = [] } = conclusion
  if (signs.length > 0) return problems(check, signs)
  const failed = restsOn.filter((name) => hasFailed(reading(facts, name)))
  if (proof.length > 0 && failed.length === 0) return [{ check, status: 'ok', evidence: [...proof, ...notes] }]
  const question = questions.find((one) => isOpen(facts, one))
  const evidence = [...proof, ...notes, ...unreadEvidence(facts, failed)]
  return [
    question === undefined ? { check, status: 'unknown', evidence } : { check, status: 'asked', question, evidence },
  ]
}

/** A fresh iCloud backup shows that nothing stands in the way of one. */
export function provedByBackup(facts: Facts): readonly Evidence[] {
  const age = cloudAge(facts)
  if (age.kind !== 'fresh') return []
  if (isTold(facts)) return cloudEvidence(facts)
  return [saw('proved-by-backup', ['cloudLastMs'], { when: { dateMs: age.lastMs } })]
}

/** The status of a check whose subject a fresh backup proves to be in order. */
export function okByBackup(facts: Facts, check: CheckId): readonly Finding[] | undefined {
  const evidence = provedByBackup(facts)
  return evidence.length === 0 ? undefined : [{ check, status: 'ok', evidence }]
}

/** Whether the person was not asked yet, and there is nobody else to ask. */
function isOpen(facts: Facts, question: QuestionId): boolean {
  const found = reading(facts, QUESTION_FACTS[question])
  return found.kind === 'unread' && (found.why === 'not-asked' || found.why === 'silent' || found.why === 'no-phone')
}

const STRENGTH: Readonly<Record<Certainty, number>> = { certain: 2, likely: 1, possible: 0 }

function problems(check: CheckId, signs: readonly Sign[]): readonly Finding[] {
  const strongestFirst = signs.toSorted((one, other) => STRENGTH[other.certainty] - STRENGTH[one.certainty])
  return [...Map.groupBy(strongestFirst, ({ cause }) => cause)].map(([cause, [strongest, ...others]]) => ({
    check,
    status: 'problem',
    cause,
    certainty: strongest?.certainty ?? 'possible',
    evidence: [...(strongest?.evidence ?? []), ...others.flatMap(({ evidence }) => evidence)],
  }))
}

function unreadEvidence(facts: Facts, failed: readonly FactName[]): readonly Evidence[] {
  return failed.flatMap((name) => {
    const found = reading(facts, name)
    return found.kind === 'unread' ? [saw('unread', [name], { why: { message: { key: `unread.${found.why}` } } })] : []
  })
}
