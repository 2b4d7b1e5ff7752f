import { majorOf } from './engine/ios-version.ts'
import { QUESTION_FACTS } from './engine/question-facts.ts'
import type { FactValues, PhoneMessage, QuestionId, Reading, Readings } from './engine.ts'
import { modelNamed } from './models/models.ts'

type FactOf<Question extends QuestionId> = (typeof QUESTION_FACTS)[Question]

/** What an answer says of the fact: its value, or `absent` where there is no such thing. */
type Telling<Value> = { readonly is: Value } | 'absent'

/** How a question is answered: by one of a few answers, or in a few words of one's own. */
type Form<Value> =
  | { readonly choices: Readonly<Record<string, (nowMs: number) => Telling<Value>>> }
  /** Undefined for words that mean nothing. */
  | { readonly parse: (text: string) => Value | undefined }

const GB = 1e9
const DAY_MS = 24 * 60 * 60 * 1000

const yesOrNo: Form<boolean> = { choices: { yes: () => ({ is: true }), no: () => ({ is: false }) } }

const FORMS: { readonly [Question in QuestionId]: Form<FactValues[FactOf<Question>]> } = {
  'storage-room': { parse: parsePlanUse },
  'message-on-phone': choicesOf<PhoneMessage>(
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
  ),
  'account-badge': yesOrNo,
  'signed-in': yesOrNo,
  'charges-at-night': yesOrNo,
  'locked-at-night': yesOrNo,
  'wifi-at-night': yesOrNo,
  'low-power-mode': yesOrNo,
  'low-data-mode': yesOrNo,
  vpn: yesOrNo,
  'screen-time': yesOrNo,
  'data-protection': yesOrNo,
  'has-passcode': yesOrNo,
  'device-class': choicesOf<FactValues['deviceClass']>('iPhone', 'iPad', 'iPod'),
  model: { parse: (text) => modelNamed(text)?.type },
  ios: { parse: parseIos },
  switch: yesOrNo,
  'last-backup': {
    choices: {
      today: (nowMs) => ({ is: nowMs - DAY_MS / 2 }),
      days: (nowMs) => ({ is: nowMs - 4 * DAY_MS }),
      weeks: (nowMs) => ({ is: nowMs - 11 * DAY_MS }),
      months: (nowMs) => ({ is: nowMs - 45 * DAY_MS }),
      never: () => 'absent',
    },
  },
  'phone-room': {
    choices: {
      none: () => ({ is: { freeBytes: 0.5 * GB } }),
      little: () => ({ is: { freeBytes: 3 * GB } }),
      plenty: () => ({ is: { freeBytes: 10 * GB } }),
    },
  },
  managed: {
    choices: {
      yes: () => ({ is: { isSupervised: true, profiles: 0 } }),
      no: () => ({ is: { isSupervised: false, profiles: 0 } }),
    },
  },
  'backup-now-result': choicesOf<FactValues['backUpNow']>('worked', 'failed', 'greyed-out', 'running'),
}

/** The ids of the answers to choose from, in their order; undefined where the person types something. */
export function choicesFor(question: QuestionId): readonly string[] | undefined {
  const form = FORMS[question]
  return 'choices' in form ? Object.keys(form.choices) : undefined
}

/**
 * What a reply tells: the number of a choice as `questionLines` shows it, or typed words. An empty reply, and the number
 * after the last choice, mean "I don't know". Undefined for a reply that means nothing: ask again.
 */
export function readReply(question: QuestionId, reply: string, nowMs: number): Readings | undefined {
  const reading = readingOf(FORMS[question], reply.trim(), nowMs)
  return reading === undefined ? undefined : { [QUESTION_FACTS[question]]: reading }
}

function readingOf(form: Form<unknown>, reply: string, nowMs: number): Reading<unknown> | undefined {
  if (reply === '') return { kind: 'unread', why: 'unsure' }
  if ('parse' in form) return toReading(told(form.parse(reply)), nowMs)
  const choices = Object.values(form.choices)
  if (!/^\d{1,3}$/.test(reply)) return undefined
  if (Number(reply) === choices.length + 1) return { kind: 'unread', why: 'unsure' }
  return toReading(choices[Number(reply) - 1]?.(nowMs), nowMs)
}

function told<Value>(value: Value | undefined): Telling<Value> | undefined {
  return value === undefined ? undefined : { is: value }
}

function toReading(telling: Telling<unknown> | undefined, nowMs: number): Reading<unknown> | undefined {
  if (telling === undefined) return undefined
  const origin = { source: 'person', atMs: nowMs } as const
  return telling === 'absent' ? { kind: 'absent', ...origin } : { kind: 'known', value: telling.is, ...origin }
}

function choicesOf<Id extends string>(...ids: readonly Id[]): Form<Id> {
  return { choices: Object.fromEntries(ids.map((id) => [id, () => ({ is: id })])) }
}

const UNITS: Readonly<Record<string, number>> = { mb: 1e6, gb: GB, tb: 1e12 }

/** "4.9 GB of 5 GB", "4,9 von 5", "1,2 von 2 TB": a number without a unit has that of the other. */
function parsePlanUse(text: string): FactValues['cloudRoom'] | undefined {
  const found = [...text.toLowerCase().matchAll(/(\d{1,5}(?:[.,]\d{1,3})?)\s*([mgt]b)?/g)]
  const [used, total] = found.map(([, number = '', unit]) => ({ number: Number(number.replace(',', '.')), unit }))
  if (used === undefined || total === undefined || found.length !== 2) return undefined
  const unit = total.unit ?? used.unit ?? 'gb'
  const room = {
    usedBytes: used.number * (UNITS[used.unit ?? unit] ?? GB),
    totalBytes: total.number * (UNITS[unit] ?? GB),
  }
  return room.totalBytes > 0 ? room : undefined
}

function parseIos(text: string): string | undefined {
  const version = text.replace(/^(ios|ipados)\s*/i, '').replaceAll(',', '.')
  return majorOf(version) === undefined ? undefined : version
}
