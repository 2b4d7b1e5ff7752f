import { type CauseId, type Diagnosis, type Finding, type NextStep, NINE, type RemedyId } from '../engine.ts'
import { modelOf } from '../models/models.ts'
import { stepsOf } from '../steps.ts'
import { CATALOGUES, type Listener, type Speaker } from '../texts/speaker.ts'

/** The phone that a diagnosis is of, as far as it is known. */
export interface Patient {
  /** Such as `iPhone13,2`. */
  readonly model?: string | undefined
  readonly ios?: string | undefined
  readonly deviceClass?: Listener['deviceClass']
}

export type Status = Finding['status']

/** A check with everything that was found in it, in words. */
export interface ToldCheck {
  readonly check: Finding['check']
  readonly status: Status
  readonly evidence: readonly string[]
}

const WORST_FIRST: readonly Status[] = ['problem', 'asked', 'unknown', 'ok']

/** One entry for each check, in the order of the findings; where a check found several things, the worst is its status. */
export function toldChecks(findings: readonly Finding[], speaker: Speaker): readonly ToldCheck[] {
  return [...Map.groupBy(findings, ({ check }) => check)].map(([check, found]) => ({
    check,
    status: WORST_FIRST.find((status) => found.some((finding) => finding.status === status)) ?? 'unknown',
    evidence: evidenceOf(found, speaker),
  }))
}

export function evidenceOf(findings: readonly Finding[], speaker: Speaker): readonly string[] {
  const sentences = findings.flatMap(({ evidence }) => evidence.map(({ message }) => speaker.say(message)))
  return [...new Set(sentences)]
}

export function isNine(check: Finding['check']): boolean {
  return NINE.some((one) => one === check)
}

/** What is known of the last backups and of the switch, and then what speaks for the cause. */
export function evidenceForCause({ cause, findings }: Diagnosis, speaker: Speaker): readonly string[] {
  const telling = findings.filter((finding) => finding.status === 'problem' && finding.cause === cause)
  const background = findings.filter(({ check, status }) => status === 'ok' && backgroundOf(cause).includes(check))
  return evidenceOf([...background, ...telling], speaker)
}

function backgroundOf(cause: CauseId | undefined): readonly Finding['check'][] {
  if (cause === undefined) return ['switch', 'own-runs']
  return cause.startsWith('own-') ? ['own-runs'] : ['switch']
}

/** `iPhone 13, iOS 18.5`, as far as it is known. */
export function patientText({ model, ios }: Patient, speaker: Speaker): string | undefined {
  if (model === undefined && ios === undefined) return undefined
  const name = model === undefined ? speaker.say({ key: 'word.device' }) : modelOf(model).name
  const key = ios === undefined ? 'screen.model-only' : 'screen.model'
  return speaker.say({ key, values: ios === undefined ? { name } : { name, ios } })
}

/** What is to be known before a remedy; undefined where it loses nothing. */
export function lossOf(remedy: RemedyId, speaker: Speaker): string | undefined {
  const key = `remedy.${remedy}.loses`
  return key in CATALOGUES[speaker.language] ? speaker.say({ key }) : undefined
}

/** The steps of a remedy for this phone; those of the next step end with a backup by hand where that is needed. */
export function stepsFor(
  { remedy, thenBackUpNow }: Pick<NextStep, 'remedy' | 'thenBackUpNow'>,
  patient: Patient,
  speaker: Speaker,
): readonly string[] {
  return stepsOf(remedy, { language: speaker.language, thenBackUpNow, ...patient })
}
