import { type Answers, answer, majorOf, PHONE_MESSAGES, type QuestionId, type Readings, UNSURE } from './engine.ts'
import { modelNamed } from './models/models.ts'

/** How a question is answered: by one of a few answers, or in a few words of one's own. */
type Form<Said> =
  | { readonly choices: Readonly<Record<string, (nowMs: number) => Said>> }
  /** Undefined for words that mean nothing. */
  | { readonly parse: (text: string) => Said | undefined }

type Forms = { readonly [Question in QuestionId]: Form<Answers[Question]> }

const GB = 1e9
const DAY_MS = 24 * 60 * 60 * 1000

const YES_OR_NO: Form<boolean> = { choices: { yes: () => true, no: () => false } }

const FORMS: Forms = {
  'storage-room': { parse: parsePlanUse },
  'message-on-phone': choicesOf(...PHONE_MESSAGES),
  'account-badge': YES_OR_NO,
  'signed-in': YES_OR_NO,
  'charges-at-night': YES_OR_NO,
  'locked-at-night': YES_OR_NO,
  'wifi-at-night': YES_OR_NO,
  'low-power-mode': YES_OR_NO,
  'low-data-mode': YES_OR_NO,
  vpn: YES_OR_NO,
  'screen-time': YES_OR_NO,
  'data-protection': YES_OR_NO,
  'has-passcode': YES_OR_NO,
  'device-class': choicesOf('iPhone', 'iPad', 'iPod'),
  model: { parse: (text) => modelNamed(text)?.type },
  ios: { parse: parseIos },
  switch: YES_OR_NO,
  'last-backup': {
    choices: {
      today: (nowMs) => nowMs - DAY_MS / 2,
      days: (nowMs) => nowMs - 4 * DAY_MS,
      weeks: (nowMs) => nowMs - 11 * DAY_MS,
      month: (nowMs) => nowMs - 30 * DAY_MS,
      months: (nowMs) => nowMs - 120 * DAY_MS,
      never: () => 'never',
    },
  },
  'phone-room': { parse: parseRoom },
  managed: YES_OR_NO,
  'backup-now-result': choicesOf('worked', 'failed', 'greyed-out', 'running'),
}

/** The ids of the answers to choose from, in their order; undefined where the person types something. */
export function choicesFor(question: QuestionId): readonly string[] | undefined {
  const form = FORMS[question]
  return 'choices' in form ? Object.keys(form.choices) : undefined
}

/**
 * What a reply tells: the number of a choice as `questionLines` shows it, or typed words. An empty reply, and the number after
 * the last choice, mean "I don't know". Undefined for a reply that means nothing: ask again.
 */
export function readReply(question: QuestionId, reply: string, nowMs: number): Readings | undefined {
  const said = saidBy<Answers[QuestionId]>(FORMS[question], reply.trim(), nowMs)
  return said === undefined ? undefined : answer({ nowMs, readings: {} }, question, said).readings
}

function saidBy<Said>(form: Form<Said>, reply: string, nowMs: number): Said | typeof UNSURE | undefined {
  if (reply === '') return UNSURE
  if ('parse' in form) return form.parse(reply)
  const choices = Object.values(form.choices)
  if (!/^\d{1,3}$/.test(reply)) return undefined
  return Number(reply) === choices.length + 1 ? UNSURE : choices[Number(reply) - 1]?.(nowMs)
}

function choicesOf<Id extends string>(...ids: readonly Id[]): Form<Id> {
  return { choices: Object.fromEntries(ids.map((id) => [id, () => id])) }
}

const UNITS: Readonly<Record<string, number>> = { mb: 1e6, gb: GB, tb: 1e12 }

/** "4.9 GB of 5 GB", "4,9 von 5", "1,2 von 2 TB": a number without a unit has that of the other. */
function parsePlanUse(text: string): Answers['storage-room'] | undefined {
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

function parseRoom(text: string): Answers['phone-room'] | undefined {
  const use = parsePlanUse(text)
  if (use === undefined) return undefined
  const { usedBytes, totalBytes } = use
  return { freeBytes: Math.max(0, totalBytes - usedBytes), totalBytes }
}

function parseIos(text: string): string | undefined {
  const version = text.replace(/^(ios|ipados)\s*/i, '').replaceAll(',', '.')
  return majorOf(version) === undefined ? undefined : version
}
