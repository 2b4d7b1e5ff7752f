import {
  type CauseId,
  type Diagnosis,
  type Finding,
  type Message,
  type NextStep,
  NINE,
  type RemedyId,
} from '../engine.ts'
import { modelNameIn } from '../models/models.ts'
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

const UNREAD = 'evidence.unread'
/** So often may be said why something could not be read; what is more common is told once, for all. */
const SAME_REASON_MAX = 2

/**
 * What people read: why something could not be read is not told check by check where much has the same reason, and a check
 * beside the nine that is unknown for such a reason is not told at all.
 */
export function readableFindings(findings: readonly Finding[]): {
  readonly findings: readonly Finding[]
  /** Why much could not be read. */
  readonly reasons: readonly Message[]
} {
  const common = commonReasons(findings)
  const isLeftOut = ({ message }: Finding['evidence'][number]) => {
    const why = unreadWhy(message)
    return why !== undefined && (why === UNSURE || common.has(why))
  }
  const isTold = ({ check, status, evidence }: Finding) =>
    isNine(check) || status !== 'unknown' || !evidence.some(isLeftOut)
  return {
    findings: findings
      .filter(isTold)
      .map((finding) => ({ ...finding, evidence: finding.evidence.filter((one) => !isLeftOut(one)) })),
    reasons: [...common].map((key) => ({ key })),
  }
}

function commonReasons(findings: readonly Finding[]): ReadonlySet<string> {
  const whys = findings.flatMap(({ evidence }) => [...new Set(evidence.map(({ message }) => unreadWhy(message)))])
  const counts = [...Map.groupBy(whys, (why) => why)].map(([why, those]) => ({ why, count: those.length }))
  const common = counts.filter(({ why, count }) => why !== UNSURE && count > SAME_REASON_MAX)
  return new Set(common.flatMap(({ why }) => why ?? []))
}

/** Whoever said "I don't know" need not be told so. */
const UNSURE = 'unread.unsure'

function unreadWhy({ key, values }: Message): string | undefined {
  const why = values?.why
  return key === UNREAD && typeof why === 'object' && 'message' in why ? why.message.key : undefined
}

/** How our own backups stand; where none are set up, that says it. */
export function localText({ verdict, findings }: Diagnosis, speaker: Speaker): string {
  const isSetUp = !findings.some(({ evidence }) => evidence.some(({ message }) => message.key === NOT_SET_UP))
  return speaker.say({ key: isSetUp || verdict.local !== 'unknown' ? `verdict.local.${verdict.local}` : NOT_SET_UP })
}

const NOT_SET_UP = 'evidence.own-not-set-up'

/** What stops iCloud may stop our own backups, too: that is the same to whoever reads it. */
export function othersToTell({ cause, others }: Diagnosis): readonly CauseId[] {
  return others.filter((other) => other !== `own-${cause}` && cause !== `own-${other}`)
}

/** Nothing that was seen points to the cause: it is only what comes next. */
export function isGuess({ cause, findings }: Diagnosis): boolean {
  return !findings.some((finding) => finding.status === 'problem' && finding.cause === cause)
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
  const name = model === undefined ? speaker.say({ key: 'word.device' }) : modelNameIn(speaker.language, model)
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
