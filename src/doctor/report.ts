import { VERSION } from '../base/version.ts'
import type { CauseId, Diagnosis, NextStep, QuestionId, RemedyId, Trial, Verdict } from './engine.ts'
import { modelOf } from './models/models.ts'
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
  stepsFor,
  type ToldCheck,
  toldChecks,
} from './render/told.ts'
import { type Language, type Speaker, speakerFor } from './texts/speaker.ts'

export interface ReportSource {
  readonly diagnosis: Diagnosis
  readonly patient: Patient
  /** Of its iOS, such as `22F76`. */
  readonly build?: string | undefined
  /** What was tried before, the oldest first. */
  readonly tried?: readonly Trial[]
  readonly language: Language
  /** Of whoever reads it. */
  readonly timeZone: string
  readonly nowMs: number
}

/** What programs and helpers get: no name, no serial number, no address, nothing that tells whose phone it is. */
export interface Report {
  readonly verdict: Verdict
  readonly cause: CauseId | null
  /** The nine checks, in their order. */
  readonly findings: readonly ToldCheck[]
  readonly otherFindings: readonly ToldCheck[]
  readonly nextStep: { readonly remedy: RemedyId; readonly steps: readonly string[] } | null
  /** What only the person can tell, and has not yet. */
  readonly question: QuestionId | null
  readonly tried: readonly { readonly remedy: RemedyId; readonly result: Trial['result'] | null }[]
  readonly phone: {
    readonly name: string | null
    readonly model: string | null
    readonly ios: string | null
    readonly build: string | null
  }
  readonly phonekeep: string
  readonly madeAt: string
}

export function reportOf(source: ReportSource): Report {
  const { diagnosis, patient, build, tried = [], nowMs } = source
  const speaker = speakerOf(source)
  const checks = toldChecks(diagnosis.findings, speaker).map(withoutIdentifiers)
  return {
    verdict: diagnosis.verdict,
    cause: diagnosis.cause ?? null,
    findings: checks.filter(({ check }) => isNine(check)),
    otherFindings: checks.filter(({ check }) => !isNine(check)),
    nextStep: toldNextStep(diagnosis.nextStep, patient, speaker),
    question: diagnosis.question ?? null,
    tried: tried.map(({ remedy, result }) => ({ remedy, result: result ?? null })),
    phone: phoneOf(patient, build),
    phonekeep: VERSION,
    madeAt: new Date(nowMs).toISOString(),
  }
}

/** The same for people to read, in Markdown. */
export function reportMarkdown(source: ReportSource): string {
  const { diagnosis, patient, build, tried = [], nowMs } = source
  const speaker = speakerOf(source)
  const { findings, reasons } = readableFindings(diagnosis.findings)
  const checks = toldChecks(findings, speaker).map(withoutIdentifiers)
  const whys = reasons.map((why) => speaker.say({ key: 'screen.unread', values: { why: { message: why } } }))
  const say = (key: string) => speaker.say({ key })
  const made = speaker.say({ key: 'report.made', values: { when: { dateMs: nowMs }, version: VERSION } })
  const lines = [
    `# ${say('report.title')}`,
    '',
    `${made}. ${say('report.privacy')}`,
    '',
    `- ${phoneText(patient, build, speaker)}`,
    `- ${say(`verdict.${diagnosis.verdict.protected}`)}`,
    `- ${say(`verdict.icloud.${diagnosis.verdict.icloud}`)}`,
    `- ${localText(diagnosis, speaker)}`,
    ...section(say(isGuess(diagnosis) ? 'screen.guess' : 'screen.cause'), causeTexts(diagnosis, speaker)),
    ...section(say('screen.next-step'), nextStepTexts(diagnosis.nextStep, patient, speaker)),
    ...section(
      say('screen.checks'),
      checks.filter(({ check }) => isNine(check)).flatMap((check) => checkTexts(check, speaker)),
    ),
    ...section(
      say('screen.more'),
      checks.filter(({ check }) => !isNine(check)).flatMap((check) => checkTexts(check, speaker)),
    ),
    ...whys.flatMap((why) => ['', why]),
    ...section(
      say('report.tried'),
      tried.map((trial) => triedText(trial, speaker)),
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** Dates carry their year: who knows when a report is read. */
function speakerOf({ language, timeZone, patient }: ReportSource): Speaker {
  return speakerFor(language, { timeZone, deviceClass: patient.deviceClass, hidesPrivate: true })
}

function toldNextStep(nextStep: NextStep | undefined, patient: Patient, speaker: Speaker): Report['nextStep'] {
  return nextStep === undefined ? null : { remedy: nextStep.remedy, steps: stepsFor(nextStep, patient, speaker) }
}

function phoneOf({ model, ios }: Patient, build: string | undefined): Report['phone'] {
  const name = model === undefined ? null : modelOf(model).name
  return { name, model: model ?? null, ios: ios ?? null, build: build ?? null }
}

function phoneText({ model, ios }: Patient, build: string | undefined, speaker: Speaker): string {
  const known = patientText({ model, ios }, speaker) ?? speaker.say({ key: 'word.device' })
  const identifiers = [model, build].filter((one) => one !== undefined).join(', ')
  return escaped(identifiers === '' ? known : `${known} (${identifiers})`)
}

function causeTexts(diagnosis: Diagnosis, speaker: Speaker): readonly string[] {
  const { cause } = diagnosis
  const also = othersToTell(diagnosis).map(
    (other) => `- ${speaker.say({ key: 'screen.others' })}: ${speaker.say({ key: `cause.${other}` })}`,
  )
  if (cause === undefined) return also
  const evidence = evidenceForCause(diagnosis, speaker).map((sentence) => `- ${escaped(bare(sentence))}`)
  return [`${speaker.say({ key: `cause.${cause}` })} (\`${cause}\`)`, '', ...evidence, ...also]
}

function nextStepTexts(nextStep: NextStep | undefined, patient: Patient, speaker: Speaker): readonly string[] {
  if (nextStep === undefined) return []
  const { remedy } = nextStep
  const loss = lossOf(remedy, speaker)
  const steps = stepsFor(nextStep, patient, speaker)
  return [
    `${speaker.say({ key: `remedy.${remedy}` })} (\`${remedy}\`)`,
    ...(loss === undefined ? [] : ['', `${speaker.say({ key: 'screen.loses' })}: ${loss}`]),
    '',
    ...steps.map((step, index) => `${index + 1}. ${escaped(step)}`),
  ]
}

function checkTexts({ check, status, evidence }: ToldCheck, speaker: Speaker): readonly string[] {
  const word = speaker.say({ key: `status.${status}` })
  return [
    `- **${word}**: ${speaker.say({ key: `check.${check}` })}`,
    ...evidence.map((sentence) => `  - ${escaped(sentence)}`),
  ]
}

function triedText({ remedy, result }: Trial, speaker: Speaker): string {
  return `- ${speaker.say({ key: `remedy.${remedy}` })} (\`${remedy}\`, ${speaker.say({ key: `trial.${result ?? 'open'}` })})`
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines]
}

/** What identifies a phone, a computer or a person by its very form, wherever it may have come from. */
const IDENTIFIERS: readonly RegExp[] = [
  /[\w.+-]+@[\w-]+(\.[\w-]+)+/g,
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /\b[0-9a-f]{8}-[0-9a-f]{16}\b/gi,
  /\b[0-9a-f]{40}\b/gi,
  /\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/gi,
  /\b\d{1,3}(\.\d{1,3}){3}\b/g,
  /\b[0-9a-f]{0,4}(:[0-9a-f]{0,4}){3,7}\b/gi,
  /\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{10,14}\b/g,
]

function bare(sentence: string): string {
  return IDENTIFIERS.reduce((text, form) => text.replaceAll(form, '…'), sentence)
}

function withoutIdentifiers(check: ToldCheck): ToldCheck {
  return { ...check, evidence: check.evidence.map(bare) }
}

/** So that no name of an app becomes markup. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_<>[\]|]/g, '\\$&').replaceAll(/\s+/g, ' ')
}
