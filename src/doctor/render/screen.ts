import type { Diagnosis, NextStep, Protection, RemedyId } from '../engine.ts'
import type { Speaker } from '../texts/speaker.ts'
import { type Page, paint, type Tone, wrap } from './page.ts'
import {
  evidenceForCause,
  isGuess,
  isNine,
  localText,
  lossOf,
  othersToTell,
  type Patient,
  patientText,
  readableFindings,
  type Status,
  stepsFor,
  type ToldCheck,
  toldChecks,
} from './told.ts'

const VERDICT_TONES: Readonly<Record<Protection, Tone>> = {
  protected: 'good',
  'at-risk': 'open',
  unprotected: 'bad',
  unknown: 'open',
}

const STATUSES: readonly Status[] = ['ok', 'problem', 'unknown', 'asked']

const STATUS_TONES: Readonly<Record<Status, Tone>> = { ok: 'good', problem: 'bad', unknown: 'open', asked: 'open' }

/**
 * A diagnosis as lines for a terminal: how it stands, every check, and last, where a person looks first, why, what was seen
 * and what to do.
 */
export function diagnosisLines(
  diagnosis: Diagnosis,
  patient: Patient,
  speaker: Speaker,
  page: Page,
): readonly string[] {
  const { findings, reasons } = readableFindings(diagnosis.findings)
  const checks = toldChecks(findings, speaker)
  const told = new Set([...evidenceForCause(diagnosis, speaker), localText(diagnosis, speaker)])
  const nine = checks.filter(({ check }) => isNine(check))
  return sectionLines([
    verdictLines(diagnosis, patient, speaker, page),
    [
      ...checkLines('screen.checks', nine, told, speaker, page),
      ...reasons.flatMap((why) => wrap(speaker.say({ key: 'screen.unread', values: { why: { message: why } } }), page)),
    ],
    checkLines(
      'screen.more',
      checks.filter((check) => isWorthTelling(check, told)),
      told,
      speaker,
      page,
    ),
    adviceLines(diagnosis, patient, speaker, page),
  ])
}

/** Why, what was seen, and what to do: all that is new where what was found has been told before. */
export function adviceLines(diagnosis: Diagnosis, patient: Patient, speaker: Speaker, page: Page): readonly string[] {
  const others = othersToTell(diagnosis).map((other) => speaker.say({ key: `cause.${other}` }))
  return sectionLines([
    causeLines(diagnosis, speaker, page),
    listLines('screen.evidence', evidenceForCause(diagnosis, speaker), speaker, page),
    listLines('screen.others', others, speaker, page),
    nextStepLines(diagnosis, patient, speaker, page),
  ])
}

function sectionLines(sections: readonly (readonly string[])[]): readonly string[] {
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}

function verdictLines(diagnosis: Diagnosis, patient: Patient, speaker: Speaker, page: Page): readonly string[] {
  const { verdict } = diagnosis
  const who = patientText(patient, speaker)
  const headline = speaker.say({ key: `verdict.${verdict.protected}` })
  return [
    ...(who === undefined ? [] : wrap(who, page)),
    ...painted(wrap(headline, page), VERDICT_TONES[verdict.protected], page),
    ...wrap(speaker.say({ key: `verdict.icloud.${verdict.icloud}` }), page),
    ...wrap(localText(diagnosis, speaker), page),
  ]
}

function causeLines(diagnosis: Diagnosis, speaker: Speaker, page: Page): readonly string[] {
  const { cause } = diagnosis
  if (cause === undefined) return []
  const text = `${speaker.say({ key: `cause.${cause}` })} ${speaker.say({ key: `cause.${cause}.why` })}`
  return [heading(isGuess(diagnosis) ? 'screen.guess' : 'screen.cause', speaker, page), ...wrap(text, page)]
}

function listLines(title: string, sentences: readonly string[], speaker: Speaker, page: Page): readonly string[] {
  if (sentences.length === 0) return []
  return [heading(title, speaker, page), ...sentences.flatMap((sentence) => wrap(sentence, page, { lead: '- ' }))]
}

function nextStepLines(
  { nextStep, question, verdict }: Diagnosis,
  patient: Patient,
  speaker: Speaker,
  page: Page,
): readonly string[] {
  if (nextStep === undefined) {
    const key = verdict.protected === 'protected' ? 'screen.nothing-to-do' : 'screen.no-advice'
    return question === undefined ? wrap(speaker.say({ key }), page) : []
  }
  const { leadsTo } = nextStep
  return [
    heading('screen.next-step', speaker, page),
    ...remedyLines(nextStep, patient, speaker, page),
    ...(leadsTo === undefined ? [] : wrap(leadsToText(leadsTo, speaker), page)),
  ]
}

/** A remedy: what it is, why, what to know beforehand, and its steps with numbers. */
export function remedyLines(
  step: Pick<NextStep, 'remedy' | 'thenBackUpNow'>,
  patient: Patient,
  speaker: Speaker,
  page: Page,
): readonly string[] {
  const { remedy } = step
  const loss = lossOf(remedy, speaker)
  return [
    ...wrap(`${speaker.say({ key: `remedy.${remedy}` })} ${speaker.say({ key: `remedy.${remedy}.why` })}`, page),
    ...(loss === undefined ? [] : wrap(`${speaker.say({ key: 'screen.loses' })}: ${loss}`, page)),
    ...stepsFor(step, patient, speaker).flatMap((text, index) => wrap(text, page, { lead: numbered(index) })),
  ]
}

function leadsToText(remedy: RemedyId, speaker: Speaker): string {
  return speaker.say({ key: 'screen.leads-to', values: { remedy: { message: { key: `remedy.${remedy}` } } } })
}

/** One line for each check, beginning with its status; below those that are not fine, what was seen and is not told above. */
function checkLines(
  title: string,
  checks: readonly ToldCheck[],
  told: ReadonlySet<string>,
  speaker: Speaker,
  page: Page,
): readonly string[] {
  if (checks.length === 0) return []
  const words = new Map(STATUSES.map((status) => [status, speaker.say({ key: `status.${status}` })]))
  const hang = Math.max(...[...words.values()].map((word) => word.length)) + 2
  return [heading(title, speaker, page), ...checks.flatMap(linesOf)]

  function linesOf({ check, status, evidence }: ToldCheck): readonly string[] {
    const word = words.get(status) ?? ''
    const [first = '', ...more] = wrap(speaker.say({ key: `check.${check}` }), page, { lead: word.padEnd(hang), hang })
    const untold = status === 'ok' ? [] : evidence.filter((sentence) => !told.has(sentence))
    return [
      paint(word, STATUS_TONES[status], page) + first.slice(word.length),
      ...more,
      ...untold.flatMap((sentence) => wrap(sentence, page, { lead: ' '.repeat(hang) })),
    ]
  }
}

/** Of the checks beside the nine, those are told that found something; what nobody looked at is left out. */
function isWorthTelling({ check, status, evidence }: ToldCheck, told: ReadonlySet<string>): boolean {
  const isNew = evidence.some((sentence) => !told.has(sentence))
  return !isNine(check) && (status === 'problem' || (status === 'unknown' && isNew))
}

function heading(key: string, speaker: Speaker, page: Page): string {
  return paint(`${speaker.say({ key })}:`, 'heading', page)
}

function painted(lines: readonly string[], tone: Tone, page: Page): readonly string[] {
  return lines.map((line) => paint(line, tone, page))
}

export function numbered(index: number): string {
  return `${String(index + 1).padStart(3)}. `
}
