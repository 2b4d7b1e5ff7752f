import type { CauseId } from './causes.ts'
import type { Finding } from './finding.ts'
import type { QuestionId } from './questions.ts'
import type { RemedyId } from './remedies.ts'

/**
 * How it stands with one sort of backup.
 *
 * - `healthy`: the last one is as fresh as can be expected.
 * - `waiting`: it was set up so lately that nothing can be said before tomorrow.
 * - `late`: a few days behind. `problem`: a week or more, or never.
 * - `off`: switched off, or for our own: never made.
 */
export type BackupVerdict = 'healthy' | 'waiting' | 'late' | 'problem' | 'off' | 'unknown'

/** `protected`: some backup is healthy. `at-risk`: there is a copy, but it grows old. `unprotected`: there is none. */
export type Protection = 'protected' | 'at-risk' | 'unprotected' | 'unknown'

export interface Verdict {
  readonly icloud: BackupVerdict
  readonly local: BackupVerdict
  readonly protected: Protection
}

/** What the facts come to. */
export interface Diagnosis {
  readonly verdict: Verdict
  /** The most likely cause; none where all is well, and where nothing points anywhere yet. */
  readonly cause: CauseId | undefined
  /** What else was found, the likeliest first; for a healthy phone these are warnings. */
  readonly others: readonly CauseId[]
  /** Of every check, in the order of the report. */
  readonly findings: readonly Finding[]
  readonly nextStep: NextStep | undefined
  /** What to ask the person, since the answer may change the cause or the next step. */
  readonly question: QuestionId | undefined
  /** What would come after the next step, one after the other, if nothing helps. */
  readonly escalation: readonly RemedyId[]
}

export interface NextStep {
  readonly remedy: RemedyId
  /** What it is against; none where it is a try in the dark. */
  readonly cause: CauseId | undefined
  /** The remedy that this backup makes safe: it may lose something, and comes next. */
  readonly leadsTo?: RemedyId
  /** Whether a tap on Back Up Now comes after it: the phone may otherwise wait for days. */
  readonly thenBackUpNow: boolean
}
