import { type Answer, answer, EXAMPLES } from './answers.ts'
import { LOSSY } from './cures.ts'
import { type FactName, type Facts, reading } from './facts.ts'
import { judge, recentTrials, type Trial } from './history.ts'
import { type Judgement, judgeFacts } from './judgement.ts'
import { UNREADABLE } from './order.ts'
import { QUESTION_FACTS } from './question-facts.ts'
import type { QuestionId } from './questions.ts'
import { isOwn } from './suspects.ts'

/** What is asked in this order, as long as an answer can change anything. Source: docs/protocol/doctor.md#questions */
const ORDER: readonly QuestionId[] = [
  'switch',
  'last-backup',
  'backup-now-result',
  'storage-room',
  'message-on-phone',
  'charges-at-night',
  'wifi-at-night',
  'locked-at-night',
  'has-passcode',
  'signed-in',
  'account-badge',
  'low-data-mode',
  'vpn',
  'low-power-mode',
  'screen-time',
  'managed',
  'phone-room',
  'data-protection',
]

/** Where there is no phone, what it is decides how the steps are told. */
const INTRODUCTION: readonly QuestionId[] = ['device-class', 'ios']
const STEPS_BY_MODEL: ReadonlySet<string> = new Set(['restart'])

/**
 * The one question whose answer may change the cause or the next step; none where the cause is clear or all is well. What the
 * person does not know is not asked again.
 */
export function nextQuestion(facts: Facts, history: readonly Trial[] = []): QuestionId | undefined {
  const judgement = judgeFacts(facts, history)
  const introduction = isWithoutPhone(facts) ? INTRODUCTION.find((question) => isOpen(facts, question)) : undefined
  if (introduction !== undefined) return introduction
  const telling = isSettled(judgement)
    ? undefined
    : ORDER.find((question) => isAskable(question, facts, history) && matters(question, judgement, facts, history))
  if (telling !== undefined) return telling
  const isByModel = isWithoutPhone(facts) && STEPS_BY_MODEL.has(judgement.step?.remedy ?? '')
  return isByModel && isOpen(facts, 'model') ? 'model' : undefined
}

/** Nobody looked for a phone, or it cannot be had. */
function isWithoutPhone(facts: Facts): boolean {
  const reach = reading(facts, 'reach')
  return reach.kind === 'unread' && (reach.why === 'not-asked' || reach.why === 'no-phone')
}

/** What keeps iCloud from it is clear; but before a step that may lose something, everything is asked that could spare it. */
function isSettled({ verdict, suspect, step }: Judgement): boolean {
  if (verdict.icloud === 'healthy' || verdict.icloud === 'waiting') return true
  if (suspect === undefined || (isOwn(suspect) && !UNREADABLE.has(suspect.cause))) return false
  const isLossy = step !== undefined && LOSSY.has(step.leadsTo ?? step.remedy)
  return suspect.certainty === 'certain' || (suspect.certainty === 'likely' && !isLossy)
}

function isAskable(question: QuestionId, facts: Facts, history: readonly Trial[]): boolean {
  return isOpen(facts, question) && (question !== 'backup-now-result' || hasTappedBackUpNow(facts, history))
}

function hasTappedBackUpNow(facts: Facts, history: readonly Trial[]): boolean {
  return recentTrials(history, facts).some(
    (trial) => trial.remedy === 'back-up-now' && judge(trial, facts) === 'too-early',
  )
}

/** Nothing is known, and the person has not said that they do not know. */
function isOpen(facts: Facts, question: QuestionId): boolean {
  const name: FactName = QUESTION_FACTS[question]
  const found = reading(facts, name)
  return found.kind === 'unread' && found.why !== 'unsure'
}

/** Some answer would lead elsewhere than another. */
function matters(question: QuestionId, { cause, step, verdict }: Judgement, facts: Facts, history: readonly Trial[]) {
  return examplesOf(question, facts).some((said) => {
    const then = judgeFacts(answer(facts, question, said), history)
    return (
      then.cause !== cause ||
      then.verdict.icloud !== verdict.icloud ||
      then.step?.remedy !== step?.remedy ||
      then.step?.leadsTo !== step?.leadsTo
    )
  })
}

function examplesOf<Question extends QuestionId>(question: Question, facts: Facts): readonly Answer<Question>[] {
  return EXAMPLES[question](facts)
}
