import type { NightSample, Trial } from '../engine.ts'

/** What is remembered of one phone between two looks. Times are milliseconds since 1970. */
export interface PhoneNotes {
  /** When the phone last answered. */
  readonly lastSeenMs?: number
  /** This start of the phone, and when it was first seen in it. */
  readonly boot?: { readonly id: string; readonly firstSeenMs: number }
  /** When the phone last refused iCloud Backup because it is managed. */
  readonly cloudForbiddenMs?: number
  /** Our own backups, the newest last. */
  readonly runs: readonly RunNote[]
  /** How the phone was found, the newest last. */
  readonly samples: readonly Sample[]
  /** Remedies that were tried, the newest last. */
  readonly trials: readonly Trial[]
}

/** How one of our own backups ended. */
export interface RunNote {
  readonly atMs: number
  /** The code of its error; absent when it made a snapshot. */
  readonly failure?: string
  /** The most room that the repository was to take; absent where no limit was set. */
  readonly allowanceBytes?: number
}

/** How a phone was found at one moment; what could not be read is absent. Source: docs/protocol/doctor.md#nights */
export interface Sample extends NightSample {
  readonly percent?: number
  readonly cloudLastMs?: number
}

export const NO_NOTES: PhoneNotes = { runs: [], samples: [], trials: [] }

/** Two weeks, when looked every ten minutes. */
export const SAMPLES_MAX = 2016
export const RUNS_MAX = 20
export const TRIALS_MAX = 50

export function noteRun(notes: PhoneNotes, run: RunNote): PhoneNotes {
  return { ...notes, runs: newest([...notes.runs, run], RUNS_MAX) }
}

/** A trial of the same remedy for the same cause, at the same time, takes the place of the one before: it has ended. */
export function noteTrial(notes: PhoneNotes, trial: Trial): PhoneNotes {
  const others = notes.trials.filter(
    ({ remedy, cause, atMs }) => remedy !== trial.remedy || cause !== trial.cause || atMs !== trial.atMs,
  )
  return { ...notes, trials: newest([...others, trial], TRIALS_MAX) }
}

/** A look at a phone, whether it answered or not. */
export function noteSample(notes: PhoneNotes, sample: Sample): PhoneNotes {
  const seen = sample.reach === 'none' ? {} : { lastSeenMs: Math.max(notes.lastSeenMs ?? 0, sample.atMs) }
  return { ...notes, ...seen, samples: newest([...notes.samples, sample], SAMPLES_MAX) }
}

/** The start that a phone is in; the first sight of it is kept. */
export function noteBoot(notes: PhoneNotes, { id, atMs }: { id: string; atMs: number }): PhoneNotes {
  return notes.boot?.id === id ? notes : { ...notes, boot: { id, firstSeenMs: atMs } }
}

function newest<Item>(items: readonly Item[], most: number): readonly Item[] {
  return items.slice(-most)
}
