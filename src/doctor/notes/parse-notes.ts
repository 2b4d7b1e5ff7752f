import { ACTIONS, CLOUD_CAUSES, OWN_CAUSES, type Trial, WALKS } from '../engine.ts'
import { type Json, listOf, numberOf, objectOf, parseJson, textOf, truthOf } from '../json.ts'
import { type PhoneNotes, RUNS_MAX, type RunNote, SAMPLES_MAX, type Sample, TRIALS_MAX } from './notes.ts'

/** Notes as text for a file. */
export function encodeNotes(notes: PhoneNotes): string {
  return `${JSON.stringify({ version: 1, ...notes })}\n`
}

/** The notes of a file, whoever wrote it: what cannot be understood is left out. */
export function parseNotes(text: string): PhoneNotes {
  const file = objectOf(parseJson(text)) ?? {}
  const boot = objectOf(file.boot)
  const bootId = nameOf(boot?.id)
  const firstSeenMs = timeOf(boot?.firstSeenMs)
  return {
    ...present('lastSeenMs', timeOf(file.lastSeenMs)),
    ...present('cloudForbiddenMs', timeOf(file.cloudForbiddenMs)),
    ...(bootId !== undefined && firstSeenMs !== undefined && { boot: { id: bootId, firstSeenMs } }),
    runs: itemsOf(file.runs, parseRun).slice(-RUNS_MAX),
    samples: itemsOf(file.samples, parseSample).slice(-SAMPLES_MAX),
    trials: itemsOf(file.trials, parseTrial).slice(-TRIALS_MAX),
  }
}

function parseRun(raw: Json): RunNote | undefined {
  const atMs = timeOf(raw.atMs)
  if (atMs === undefined) return undefined
  return {
    atMs,
    ...present('failure', nameOf(raw.failure)),
    ...present('allowanceBytes', amountOf(raw.allowanceBytes)),
  }
}

const REACHES = ['usb', 'wifi', 'none'] as const

function parseSample(raw: Json): Sample | undefined {
  const atMs = timeOf(raw.atMs)
  const reach = REACHES.find((known) => known === raw.reach)
  if (atMs === undefined || reach === undefined) return undefined
  return {
    atMs,
    reach,
    ...present('isOnPower', truthOf(raw.isOnPower)),
    ...present('isLocked', truthOf(raw.isLocked)),
    ...present('percent', amountOf(raw.percent)),
    ...present('cloudLastMs', timeOf(raw.cloudLastMs)),
  }
}

const REMEDIES = [...ACTIONS, ...WALKS]
const CAUSES = [...CLOUD_CAUSES, ...OWN_CAUSES]
const RESULTS = ['helped', 'did-not-help', 'declined'] as const

/** Remedies and causes of another version are not known here. */
function parseTrial(raw: Json): Trial | undefined {
  const atMs = timeOf(raw.atMs)
  const remedy = REMEDIES.find((known) => known === raw.remedy)
  const cause = CAUSES.find((known) => known === raw.cause)
  if (atMs === undefined || remedy === undefined) return undefined
  return {
    remedy,
    cause,
    atMs,
    ...present(
      'result',
      RESULTS.find((known) => known === raw.result),
    ),
  }
}

function present<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  const field: { [Key in Name]?: Value } = {}
  if (value !== undefined) field[name] = value
  return field
}

function itemsOf<Item>(value: unknown, parse: (raw: Json) => Item | undefined): readonly Item[] {
  return (listOf(value) ?? []).map((item) => parse(objectOf(item) ?? {})).filter((item) => item !== undefined)
}

const TIME_MS_MAX = 8.64e15

function timeOf(value: unknown): number | undefined {
  const ms = amountOf(value)
  return ms !== undefined && ms <= TIME_MS_MAX ? ms : undefined
}

function amountOf(value: unknown): number | undefined {
  const number = numberOf(value)
  return number !== undefined && number >= 0 ? number : undefined
}

function nameOf(value: unknown): string | undefined {
  const text = textOf(value)
  return text !== undefined && /^[\w.-]{1,80}$/.test(text) ? text : undefined
}
