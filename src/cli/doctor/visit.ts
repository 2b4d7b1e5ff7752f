import { isSystemError } from '../../base/errors.ts'
import {
  ACTIONS,
  type ActionId,
  type ActionReport,
  adviceLines,
  type Diagnosis,
  diagnose,
  diagnosisLines,
  type Facts,
  type FactValues,
  isBackupNews,
  known,
  type Language,
  type NewestIos,
  type NextStep,
  noteTrial,
  type Page,
  questionLines,
  type Reading,
  type Readings,
  type ReportSource,
  readReply,
  type Speaker,
  speakerFor,
  type Trial,
  withLog,
} from '../../doctor/index.ts'
import { askLine } from '../consent.ts'
import type { Context } from '../context.ts'
import { doIt, isCutOff } from './doing.ts'
import { type LookingOptions, lookAround } from './looking.ts'
import { NEVER_UNASKED, PASSING, PATIENT } from './manners.ts'
import { askForTrust, findAgain, type Patient } from './patients.ts'
import { askYesOrNo } from './replies.ts'
import { notebookOf } from './run-notes.ts'
import { watchPatient } from './watching.ts'

export interface VisitOptions {
  readonly looking: LookingOptions
  readonly language: Language
  /** There is a person at a terminal. */
  readonly isAsking: boolean
  /** Nothing is told but the end. */
  readonly isQuiet: boolean
  /** Agreed beforehand to what loses nothing and disturbs nobody. */
  readonly isAgreed: boolean
  /** So long the phone's log is listened to first. */
  readonly watchMs: number | undefined
}

/** One phone, from the first look to the last: what is known of it, what to do, and whether that helped. */
export async function visit(patient: Patient, options: VisitOptions, context: Context): Promise<ReportSource> {
  return await new Visit(patient, options, context).run()
}

type Next = 'look again' | 'think again' | 'end'

class Visit {
  readonly #options: VisitOptions
  readonly #context: Context
  #patient: Patient
  /** What the person said, the phone's log, and the phone when something was tried: for whatever cannot be read. */
  #said: Readings = {}
  readonly #begun = new Set<ActionId>()
  #hasAsked = false
  #hasSpoken = false
  /** In this visit. */
  #tried: readonly Trial[] = []
  /** At earlier ones. */
  #history: readonly Trial[] = []
  #newestIos: ((model: string) => Reading<NewestIos>) | undefined

  constructor(patient: Patient, options: VisitOptions, context: Context) {
    this.#patient = patient
    this.#options = options
    this.#context = context
  }

  async run(): Promise<ReportSource> {
    let facts = await this.#look()
    facts = await this.#watch(facts)
    for (let next: Next = 'look again'; ; ) {
      facts = await this.#ask(facts)
      const diagnosis = diagnose(facts, this.#trials)
      this.#show(diagnosis, facts, { isBrief: next === 'think again' })
      next = await this.#goOn(diagnosis, facts)
      if (next === 'end') return this.#source(diagnosis, facts)
      if (next === 'look again') facts = await this.#lookAgain()
    }
  }

  async #lookAgain(): Promise<Facts> {
    this.#patient = await findAgain(this.#patient, this.#context)
    return await this.#look()
  }

  async #look(): Promise<Facts> {
    const { looking, isAsking, isQuiet } = this.#options
    const speaker = this.#speakerTo(undefined)
    if (isAsking) await askForTrust(this.#patient, speaker, this.#context)
    const about = { options: looking, speaker, isQuiet }
    const { facts, trials, newestIos } = await lookAround(this.#patient, about, this.#context)
    const isNew = ({ remedy, atMs }: Trial) => this.#tried.every((own) => own.remedy !== remedy || own.atMs !== atMs)
    this.#history = trials.filter(isNew)
    this.#newestIos = newestIos
    return this.#withSaid(facts)
  }

  /** What can be read now counts more than what was said before, but for what the phone itself has said. */
  #withSaid({ nowMs, readings }: Facts): Facts {
    const read = new Map(Object.entries(readings).filter(([, { kind }]) => kind !== 'unread'))
    const said = Object.entries(this.#said).filter(([name, reading]) => !read.has(name) || isRefusal(reading))
    return { nowMs, readings: { ...readings, ...Object.fromEntries(said) } }
  }

  async #watch(facts: Facts): Promise<Facts> {
    const { watchMs: ms } = this.#options
    if (ms === undefined || typeof this.#patient.phone === 'string') return facts
    const say = (sentence: string) => this.#say([sentence])
    const options = { ms, since: facts.readings, speaker: this.#speaker(facts), say }
    const logged = await watchPatient(this.#patient, options, this.#context)
    this.#patient = await findAgain(this.#patient, this.#context)
    const hasNews = logged.some(({ event }) => isBackupNews(event))
    const { nowMs, readings } = hasNews ? await this.#look() : { ...facts, nowMs: this.#context.clock.nowMs() }
    this.#said = withLog({}, logged)
    return { nowMs, readings: withLog(readings, logged) }
  }

  /** One question at a time, as long as an answer can change anything. */
  async #ask(facts: Facts): Promise<Facts> {
    if (!this.#options.isAsking) return facts
    let asked = facts
    for (;;) {
      const { question, verdict } = diagnose(asked, this.#trials)
      if (question === undefined) return asked
      if (!this.#hasAsked) this.#introduce(verdict, asked)
      this.#hasAsked = true
      this.#say(['', ...questionLines(question, this.#speaker(asked), this.#page())])
      const reply = await askLine('> ', this.#context.signal)
      const said = readReply(question, reply, asked.nowMs)
      if (said === undefined) this.#say([this.#speaker(asked).say({ key: 'visit.not-understood' })])
      else asked = this.#learn(asked, said)
    }
  }

  get #trials(): readonly Trial[] {
    return [...this.#history, ...this.#tried]
  }

  /** Why anything is asked. */
  #introduce({ icloud }: Diagnosis['verdict'], facts: Facts): void {
    const { say } = this.#speaker(facts)
    this.#say(['', say({ key: `verdict.icloud.${icloud}` }), say({ key: 'visit.questions' })])
  }

  /** Keeps what the person said; which system is the newest for a model follows from it. */
  #learn({ nowMs, readings }: Facts, said: Readings): Facts {
    const newestIos = said.model?.kind === 'known' ? this.#newestIos?.(said.model.value) : undefined
    const learned: Readings = { ...said, ...(newestIos && { newestIos }) }
    this.#said = { ...this.#said, ...learned }
    return { nowMs, readings: { ...readings, ...learned } }
  }

  /** Does the next step, or has the person do it. */
  async #goOn({ nextStep }: Diagnosis, facts: Facts): Promise<Next> {
    if (nextStep === undefined) return 'end'
    const { remedy } = nextStep
    const action = ACTIONS.find((id) => id === remedy)
    if (action !== undefined) return await this.#offer(action, nextStep, facts)
    if (!this.#options.isAsking) return 'end'
    return PATIENT.has(remedy) ? 'end' : await this.#askWhetherDone(nextStep, this.#speaker(facts))
  }

  async #askWhetherDone(step: NextStep, speaker: Speaker): Promise<Next> {
    const reply = await askYesOrNo(speaker.say({ key: 'visit.done' }), speaker, this.#context)
    if (reply === 'nothing') {
      const key = this.#patient.udid === undefined ? 'visit.later-anew' : 'visit.later'
      this.#say(['', speaker.say({ key })])
      return 'end'
    }
    if (reply === 'yes') {
      await this.#note(step, {})
      this.#forgetPassing()
      return 'look again'
    }
    await this.#note(step, { result: 'declined' })
    return 'think again'
  }

  async #offer(action: ActionId, step: NextStep, facts: Facts): Promise<Next> {
    const speaker = this.#speaker(facts)
    const consent = speaker.say({ key: `remedy.${action}.consent` })
    const agreed = await this.#isAgreed(action, consent, speaker)
    if (agreed === undefined) return 'end'
    if (!agreed) {
      await this.#note(step, { result: 'declined' })
      return 'think again'
    }
    const atMs = this.#context.clock.nowMs()
    const options = {
      consent,
      speaker,
      looking: this.#options.looking,
      say: (lines: readonly string[]) => this.#say(lines),
    }
    this.#begun.add(action)
    const report = await doIt(action, this.#patient, options, this.#context)
    // What the connection did not live to see was not tried.
    if (!isCutOff(report))
      await this.#note(step, { atMs, ...(report.outcome !== 'done' && { result: 'did-not-help' }) })
    await this.#learnFrom(report)
    if (action === 'restart-phone' && report.outcome === 'done') await this.#waitForUnlock(speaker)
    this.#forgetPassing()
    return 'look again'
  }

  /** Undefined when nobody says anything. What was agreed to beforehand is done once. */
  async #isAgreed(action: ActionId, consent: string, speaker: Speaker): Promise<boolean | undefined> {
    const { isAsking, isAgreed } = this.#options
    if (isAgreed && !this.#begun.has(action) && !NEVER_UNASKED.has(action)) return true
    if (!isAsking) return undefined
    const question = `${consent} ${speaker.say({ key: 'visit.yes-or-no' })}`
    return (await askYesOrNo(question, speaker, this.#context)) === 'yes'
  }

  /** Until then a phone with a passcode tells next to nothing. */
  async #waitForUnlock(speaker: Speaker): Promise<void> {
    if (!this.#options.isAsking) return
    this.#say([speaker.say({ key: 'visit.unlocked' })])
    await askLine('> ', this.#context.signal)
  }

  /** A refusal tells something of the phone that nothing else does. */
  async #learnFrom({ error }: ActionReport): Promise<void> {
    const atMs = this.#context.clock.nowMs()
    if (error?.code === 'device.cloud-no-account') {
      this.#said = { ...this.#said, isSignedIn: { kind: 'known', value: false, source: 'lockdown', atMs } }
    }
    if (error?.code === 'device.backup-forbidden') await this.#change((notes) => ({ ...notes, cloudForbiddenMs: atMs }))
  }

  /** What was done may have changed what was said; what a refusal has just told stays. */
  #forgetPassing(): void {
    const kept = Object.entries(this.#said).filter(([name, reading]) => !PASSING.has(name) || isRefusal(reading))
    this.#said = Object.fromEntries(kept)
  }

  async #note({ remedy, cause }: NextStep, how: Partial<Pick<Trial, 'atMs' | 'result'>>): Promise<void> {
    const trial: Trial = { remedy, cause, atMs: this.#context.clock.nowMs(), ...how }
    this.#tried = [...this.#tried, trial]
    await this.#change((notes) => noteTrial(notes, trial))
  }

  /** What cannot be noted is remembered until the end of this visit. */
  async #change(change: Parameters<ReturnType<typeof notebookOf>['change']>[1]): Promise<void> {
    const { udid } = this.#patient
    if (udid === undefined) return
    await notebookOf(this.#context)
      .change(udid, change)
      .catch((error: unknown) => {
        if (!isSystemError(error)) throw error
      })
  }

  #say(lines: readonly string[]): void {
    if (this.#options.isQuiet) return
    this.#hasSpoken = true
    for (const line of lines) this.#context.terminal.err(line)
  }

  /** In brief what is new, where the rest was told before. */
  #show(diagnosis: Diagnosis, facts: Facts, { isBrief }: { readonly isBrief: boolean }): void {
    if (this.#options.isQuiet) return
    const speaker = this.#speaker(facts)
    const linesOf = isBrief ? adviceLines : diagnosisLines
    const lines = linesOf(diagnosis, patientOf(facts), speaker, this.#page())
    for (const line of this.#hasSpoken ? ['', ...lines] : lines) this.#context.terminal.out(line)
    this.#hasSpoken = true
    if (this.#patient.phone === 'not-found') this.#say(['', speaker.say({ key: 'visit.no-phone' })])
  }

  #speaker(facts: Facts): Speaker {
    return this.#speakerTo(known(facts, 'deviceClass'))
  }

  #speakerTo(deviceClass: FactValues['deviceClass'] | undefined): Speaker {
    const nowMs = this.#context.clock.nowMs()
    return speakerFor(this.#options.language, { nowMs, timeZone: hereZone(), deviceClass })
  }

  #page(): Page {
    const { environment, terminal } = this.#context
    return { columns: terminal.columns, hasColor: process.stdout.isTTY === true && !environment.noColor }
  }

  #source(diagnosis: Diagnosis, facts: Facts): ReportSource {
    return {
      diagnosis,
      patient: patientOf(facts),
      build: known(facts, 'build'),
      tried: this.#trials,
      language: this.#options.language,
      timeZone: hereZone(),
      nowMs: facts.nowMs,
    }
  }
}

/** The phone has told it when it refused something. */
function isRefusal(reading: Reading<unknown>): boolean {
  return reading.kind === 'known' && reading.source === 'lockdown'
}

function patientOf(facts: Facts): ReportSource['patient'] {
  return { model: known(facts, 'model'), ios: known(facts, 'ios'), deviceClass: known(facts, 'deviceClass') }
}

function hereZone(): string {
  return Temporal.Now.timeZoneId()
}
