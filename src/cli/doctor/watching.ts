import { type AppError, isAppError } from '../../base/errors.ts'
import type { Phone } from '../../device/index.ts'
import { type Logged, type Readings, type Speaker, watchMessage, watchPhone } from '../../doctor/index.ts'
import type { Context } from '../context.ts'
import { findAgain, type Patient } from './patients.ts'
import { noteLook } from './run-notes.ts'

export interface WatchingOptions {
  readonly ms: number
  /** What is known when it begins. */
  readonly since: Readings
  readonly speaker: Speaker
  readonly say: (sentence: string) => void
}

/** A phone that left is looked for again: it may have been taken to its own charger. */
const LOOK_AGAIN_MS = 5_000
const NOTE_AWAY_MS = 10 * 60_000

/** Watches a phone for a time, wherever it goes meanwhile; tells what it says, and notes how it was found. */
export async function watchPatient(
  patient: Patient,
  options: WatchingOptions,
  context: Context,
): Promise<readonly Logged[]> {
  const { clock, signal } = context
  const endMs = clock.elapsedMs() + options.ms
  const leftMs = () => endMs - clock.elapsedMs()
  const logged: Logged[] = []
  let awayNotedMs = Number.NEGATIVE_INFINITY
  for (let { phone } = patient; leftMs() > 0; { phone } = await findAgain(patient, context)) {
    if (typeof phone !== 'string') {
      const heard = await watchLog(phone, { ...options, ms: leftMs() }, context)
      if (!isAppError(heard)) logged.push(...heard)
      else if (phone === patient.phone) return withoutLog(heard, options)
    } else if (patient.udid !== undefined && clock.elapsedMs() - awayNotedMs >= NOTE_AWAY_MS) {
      awayNotedMs = clock.elapsedMs()
      await noteLook(patient.udid, { atMs: clock.nowMs(), reach: 'none' }, context)
    }
    await clock.sleep(Math.min(LOOK_AGAIN_MS, Math.max(0, leftMs())), { signal })
  }
  if (logged.length === 0) options.say(options.speaker.say({ key: 'watch.silent' }))
  return logged
}

/** A log that cannot be read is no reason to stop all else. */
function withoutLog({ code }: AppError, { speaker, say }: WatchingOptions): readonly Logged[] {
  say(speaker.say({ key: 'visit.no-log', values: { code } }))
  return []
}

/** Until the phone leaves; the error where its log cannot be read. */
async function watchLog(
  phone: Phone,
  { ms, since, speaker, say }: WatchingOptions,
  context: Context,
): Promise<readonly Logged[] | AppError> {
  const { signal } = context
  try {
    return await watchPhone(phone, {
      ms,
      since,
      onListening: () => say(speaker.say({ key: 'watch.listening' })),
      onEvent: (event) => say(`  ${speaker.say(watchMessage(event))}`),
      onSample: (sample) => noteLook(phone.udid, sample, context),
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return error
  }
}
