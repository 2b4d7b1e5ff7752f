import { type Facts, type FactValues, PHONE_MESSAGES, type PhoneMessage, type PlanUse, type Room } from './facts.ts'
import { QUESTION_FACTS } from './question-facts.ts'
import type { QuestionId } from './questions.ts'
import { DAY_MS, HOUR_MS, ROOM_BYTES, STALE_MS } from './thresholds.ts'

/** "I don't know", to any question. It is not asked again. */
export const UNSURE = 'unsure'

/** What a person may answer; sizes in bytes, times in milliseconds since 1970. */
export interface Answers {
  /** Of the iCloud plan, as the account page shows it. */
  readonly 'storage-room': PlanUse
  readonly 'message-on-phone': PhoneMessage
  readonly 'account-badge': boolean
  readonly 'signed-in': boolean
  readonly 'charges-at-night': boolean
  readonly 'locked-at-night': boolean
  readonly 'wifi-at-night': boolean
  readonly 'low-power-mode': boolean
  readonly 'low-data-mode': boolean
  readonly vpn: boolean
  readonly 'screen-time': boolean
  readonly 'data-protection': boolean
  readonly 'has-passcode': boolean
  readonly 'device-class': FactValues['deviceClass']
  /** Apple's name of the model. */
  readonly model: string
  readonly ios: string
  readonly switch: boolean
  readonly 'last-backup': number | 'never'
  /** Free on the phone itself. */
  readonly 'phone-room': Room
  /** By a school or an employer. */
  readonly managed: boolean
  readonly 'backup-now-result': FactValues['backUpNow']
}

export type Answer<Question extends QuestionId> = Answers[Question] | typeof UNSURE

/** The facts with what the person said. */
export function answer<Question extends QuestionId>(facts: Facts, question: Question, said: Answer<Question>): Facts {
  return { ...facts, readings: { ...facts.readings, [QUESTION_FACTS[question]]: readingOf(facts, question, said) } }
}

function readingOf(facts: Facts, question: QuestionId, said: Answer<QuestionId>) {
  const from = { source: 'person', atMs: facts.nowMs } as const
  if (said === UNSURE) return { kind: 'unread', why: 'unsure' } as const
  if (said === 'never') return { kind: 'absent', ...from } as const
  if (question === 'managed') return { kind: 'known', value: { isSupervised: said, profiles: 0 }, ...from } as const
  return { kind: 'known', value: said, ...from } as const
}

const YES_OR_NO = [true, false]

type Examples = { readonly [Question in QuestionId]: (facts: Facts) => readonly Answers[Question][] }

/** Answers that differ in what follows from them: whether a question is worth asking is found by trying these. */
export const EXAMPLES: Examples = {
  'storage-room': () => [
    { usedBytes: 5e9, totalBytes: 5e9 },
    { usedBytes: 5 * ROOM_BYTES, totalBytes: 50e9 },
  ],
  'message-on-phone': () => PHONE_MESSAGES,
  'account-badge': () => YES_OR_NO,
  'signed-in': () => YES_OR_NO,
  'charges-at-night': () => YES_OR_NO,
  'locked-at-night': () => YES_OR_NO,
  'wifi-at-night': () => YES_OR_NO,
  'low-power-mode': () => YES_OR_NO,
  'low-data-mode': () => YES_OR_NO,
  vpn: () => YES_OR_NO,
  'screen-time': () => YES_OR_NO,
  'data-protection': () => YES_OR_NO,
  'has-passcode': () => YES_OR_NO,
  'device-class': () => ['iPhone', 'iPad'],
  model: () => [],
  ios: () => ['8.4', '26.0'],
  switch: () => YES_OR_NO,
  'last-backup': ({ nowMs }) => [nowMs - HOUR_MS, nowMs - 3 * DAY_MS, nowMs - STALE_MS - DAY_MS, 'never'],
  'phone-room': () => [{ freeBytes: 1e8 }, { freeBytes: 1e10 }],
  managed: () => YES_OR_NO,
  'backup-now-result': () => ['worked', 'failed', 'greyed-out'],
}
