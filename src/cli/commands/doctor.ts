import { access, constants, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isSystemError } from '../../base/errors.ts'
import {
  type Diagnosis,
  LANGUAGES,
  type Language,
  type ReportSource,
  reportMarkdown,
  reportOf,
  speakerFor,
} from '../../doctor/index.ts'
import { withBackupPasswordOption } from '../backup-password.ts'
import { type Context, printResult } from '../context.ts'
import { findPatients, type Patient, QUESTIONNAIRE } from '../doctor/patients.ts'
import { type VisitOptions, visit } from '../doctor/visit.ts'
import { badUsage, severalPhones } from '../errors.ts'
import { JSON_OUTPUT } from '../options.ts'
import { DOCTOR_EXITS } from '../outcomes.ts'
import { type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'

export function addDoctor(program: Command, context: Context): void {
  withBackupPasswordOption(withRepositoryOptions(program.command('doctor')))
    .description('find out why a phone is not backed up, and what to do')
    .argument('[udid]', 'the phone; all that are connected unless named')
    .option('--watch [minutes]', 'listen to what the phone says about its backups first', parseMinutes)
    .option('--no-phone', 'there is no phone at hand: answer questions instead')
    .option('--report <file>', 'write FILE.md and FILE.json, without names and numbers, for somebody who helps')
    .addOption(new Option('--lang <language>', 'what to speak; that of the system unless given').choices(LANGUAGES))
    .option('--yes', 'do what loses nothing and disturbs nobody without asking')
    .option(...JSON_OUTPUT)
    .addHelpText('after', EXITS_HELP)
    .action((udid, options) => doctor(udid, options, context))
}

const EXITS_HELP = `
Exit codes: ${DOCTOR_EXITS.healthy} backups are healthy, ${DOCTOR_EXITS.problem} there is a problem, ${DOCTOR_EXITS.unsure} it could not be told.
Apple's public lists of outages and of the newest iOS are read; nothing is sent. PHONEKEEP_APPLE_STATUS_URL and
PHONEKEEP_APPLE_UPDATES_URL name other addresses, or "off". The newest iOS is told by a server that only Apple's own root
certificate vouches for: it is fetched from www.apple.com, or read from the file PHONEKEEP_APPLE_ROOT (PEM or DER).`

export interface DoctorOptions extends RepositoryOptions {
  readonly backupPasswordFile?: string
  readonly watch?: true | number
  readonly phone: boolean
  readonly report?: string
  readonly lang?: Language
  readonly yes?: boolean
  readonly json?: boolean
}

/** `phonekeep doctor`: looks at each phone that is meant, says what is wrong and what to do, and looks again. */
async function doctor(udid: string | undefined, options: DoctorOptions, context: Context): Promise<void> {
  const { report } = options
  // Nobody shall answer questions for a report that cannot be written.
  if (report !== undefined) await checkReport(report)
  const patients = options.phone ? await findPatients(udid, context) : [QUESTIONNAIRE]
  if (patients.length > 1 && (options.json || report !== undefined)) {
    throw severalPhones(patients.map((patient) => patient.udid ?? ''))
  }
  const visits: ReportSource[] = []
  for (const patient of patients) {
    if (patients.length > 1) tellWhich(visits.length, patients, options, context)
    visits.push(await visit(patient, visitOptions(options, context), context))
  }
  for (const source of visits) await finish(source, options, context)
  process.exitCode = Math.max(...visits.map(({ diagnosis }) => DOCTOR_EXITS[stateOf(diagnosis)]))
}

function visitOptions(options: DoctorOptions, { environment }: Context): VisitOptions {
  const { json = false, lang, watch, yes = false } = options
  return {
    looking: options,
    language: lang ?? languageOf(environment.language),
    isAsking: !json && process.stdin.isTTY === true,
    isQuiet: json,
    isAgreed: yes,
    watchMs: watch === undefined ? undefined : (watch === true ? WATCH_MINUTES : watch) * MINUTE_MS,
  }
}

const MINUTE_MS = 60_000
/** A locked phone says at once what it waits for. */
const WATCH_MINUTES = 5
const WATCH_MINUTES_MAX = 24 * 60

function parseMinutes(text: string): number {
  const minutes = Number(text)
  if (minutes > 0 && minutes <= WATCH_MINUTES_MAX) return minutes
  throw new InvalidArgumentError(`Give minutes, ${WATCH_MINUTES_MAX} at most.`)
}

/** `de_AT.UTF-8` is German; what we do not speak is answered in English. */
export function languageOf(locale: string | undefined): Language {
  return LANGUAGES.find((language) => locale?.toLowerCase().startsWith(language)) ?? 'en'
}

/** Whether backups work, as an exit code tells it. */
export function stateOf({ verdict, cause }: Diagnosis): keyof typeof DOCTOR_EXITS {
  const { icloud, protected: protection } = verdict
  if (protection === 'protected') return cause === undefined ? 'healthy' : 'problem'
  return protection === 'unknown' || icloud === 'waiting' ? 'unsure' : 'problem'
}

async function finish(source: ReportSource, { report, json }: DoctorOptions, context: Context): Promise<void> {
  const { verdict, cause, findings, nextStep } = reportOf(source)
  if (json) printResult(context, { json, result: { verdict, cause, findings, nextStep }, lines: () => [] })
  if (report === undefined) return
  const speaker = speakerFor(source.language, source)
  const files = await writeReport(report.replace(/\.(md|json)$/, ''), source)
  context.terminal.err(speaker.say({ key: 'visit.written', values: { files: { list: files } } }))
}

async function checkReport(report: string): Promise<void> {
  if (report === '' || report.endsWith('/')) throw badUsage('The report has no name', 'Give --report a file')
  await access(dirname(report), constants.W_OK)
}

/** Beside whatever is there already: `mum.md` and `mum.json`, then `mum-2.md` and `mum-2.json`. */
async function writeReport(name: string, source: ReportSource): Promise<readonly string[]> {
  for (let number = 1; ; number++) {
    const stem = number === 1 ? name : `${name}-${number}`
    const files = [`${stem}.md`, `${stem}.json`] as const
    if ((await isThere(files[0])) || (await isThere(files[1]))) continue
    await writeFile(files[0], reportMarkdown(source), { flag: 'wx', mode: 0o600 })
    await writeFile(files[1], `${JSON.stringify(reportOf(source), undefined, 2)}\n`, { flag: 'wx', mode: 0o600 })
    return files
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch (error) {
    if (isSystemError(error)) return false
    throw error
  }
}

/** Where several phones are looked at, which of them comes now. */
function tellWhich(index: number, patients: readonly Patient[], { lang }: DoctorOptions, context: Context): void {
  const { terminal, environment } = context
  const { say } = speakerFor(lang ?? languageOf(environment.language), { timeZone: 'UTC' })
  const id = patients[index]?.udid ?? ''
  if (index > 0) terminal.out('')
  terminal.out(say({ key: 'visit.which', values: { number: index + 1, count: patients.length, id } }))
}
