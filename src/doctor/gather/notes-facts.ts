import { nightsOf, type Power, type Reading, type Readings, type RemedyId, type Trial } from '../engine.ts'
import type { PhoneNotes, Sample } from '../notes/notes.ts'

export interface NotesOptions {
  /** What could be read now. */
  readonly now: Readings
  readonly notes: PhoneNotes
  /** The phone's word for this start of it; unread when it is not there. */
  readonly bootSession: Reading<string>
  readonly nowMs: number
}

/** What was noted at earlier looks and runs, as far as it still holds. */
export function factsOfNotes({ notes, bootSession, now, nowMs }: NotesOptions): Readings {
  const { runs, samples, lastSeenMs } = notes
  const lastRun = runs.at(-1)
  const lastGood = runs.findLast(({ failure }) => failure === undefined)
  const lastCloud = samples.findLast(({ cloudLastMs }) => cloudLastMs !== undefined)
  const hasPasscode = samples.some(({ isLocked }) => isLocked === true)
  return {
    upSinceMs: upSince(notes, bootSession, nowMs),
    ...(lastSeenMs !== undefined && { lastSeenMs: noted(lastSeenMs, lastSeenMs) }),
    ...(lastGood && { ownLastMs: noted(lastGood.atMs, lastGood.atMs) }),
    ...(lastRun && { ownFailure: failureOf(lastRun) }),
    ...(lastCloud?.cloudLastMs !== undefined && { cloudLastMs: noted(lastCloud.cloudLastMs, lastCloud.atMs) }),
    ...(hasPasscode && { hasPasscode: noted(true, nowMs) }),
    ...nightFacts(samples, { now, nowMs, hasPasscode: hasPasscode || now.hasPasscode?.kind === 'known' }),
  }
}

/** Told by the clock of the place where the phone is. */
function nightFacts(
  samples: readonly Sample[],
  { now, nowMs, hasPasscode }: { readonly now: Readings; readonly nowMs: number; readonly hasPasscode: boolean },
): Readings {
  if (now.timeZone?.kind !== 'known') return {}
  const nights = nightsOf(samples, { timeZone: now.timeZone.value, nowMs, hasPasscode })
  return nights === undefined || nights.watched === 0 ? {} : { nights: noted(nights, nowMs) }
}

function noted<Value>(value: Value, atMs: number) {
  return { kind: 'known', value, source: 'notes', atMs } as const
}

function failureOf({ failure, atMs }: PhoneNotes['runs'][number]): Reading<{ code: string; atMs: number }> {
  return failure === undefined ? { kind: 'absent', source: 'notes', atMs } : noted({ code: failure, atMs }, atMs)
}

/** A start that is seen for the first time may have been long ago; a phone that tells none is asked about. */
function upSince({ boot }: PhoneNotes, bootSession: Reading<string>, nowMs: number): Reading<number> {
  if (bootSession.kind !== 'known') return bootSession
  return noted(boot?.id === bootSession.value ? boot.firstSeenMs : nowMs, nowMs)
}

const DRAINED_MS_MIN = 10 * 60_000
/** Before that it may have been somewhere else meanwhile. */
const DRAINED_MS_MAX = 2 * 60 * 60_000

/** Whether the charge fell from an earlier look to this one although something was attached at both, and at all between. */
export function withDraining(power: Reading<Power>, samples: readonly Sample[]): Reading<Power> {
  if (power.kind !== 'known' || !power.value.isConnected || power.value.percent === undefined) return power
  const { percent } = power.value
  const begun = samples.findLastIndex(({ isOnPower }) => isOnPower !== true) + 1
  const isDraining = samples.slice(begun).some((sample) => {
    const agoMs = power.atMs - sample.atMs
    return agoMs >= DRAINED_MS_MIN && agoMs <= DRAINED_MS_MAX && (sample.percent ?? 0) > percent
  })
  return isDraining ? { ...power, value: { ...power.value, isDraining } } : power
}

const SWITCHES_ON: ReadonlySet<RemedyId> = new Set<RemedyId>(['enable-cloud-backup', 'turn-on-switch'])

/** When iCloud Backup was last switched on: by what was done here, where that came after what a backup tells. */
export function withSwitchedOn({ cloudSwitchedOnMs: told }: Readings, trials: readonly Trial[]): Readings {
  const done = trials.findLast(
    ({ remedy, result }) => SWITCHES_ON.has(remedy) && (result === undefined || result === 'helped'),
  )
  if (done === undefined || (told?.kind === 'known' && told.value > done.atMs)) return {}
  return { cloudSwitchedOnMs: noted(done.atMs, done.atMs) }
}

/** This look, for the notes. */
export function sampleOf({ reach, power, isLocked, cloudLastMs }: Readings, atMs: number): Sample {
  return {
    atMs,
    reach: reach?.kind === 'known' ? reach.value : 'none',
    ...(power?.kind === 'known' && { isOnPower: isOnPower(power.value) }),
    ...(power?.kind === 'known' && power.value.percent !== undefined && { percent: power.value.percent }),
    ...(isLocked?.kind === 'known' && { isLocked: isLocked.value }),
    ...(cloudLastMs?.kind === 'known' && { cloudLastMs: cloudLastMs.value }),
  }
}

/** A cable that is in but gives nothing is no power. */
function isOnPower({ isConnected, canCharge }: Power): boolean {
  return isConnected && canCharge !== false
}
