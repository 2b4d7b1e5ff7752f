import { isAppError } from '../../base/errors.ts'
import type { Phone } from '../../device/index.ts'
import { type Logged, type Readings, type Speaker, watchMessage, watchPhone } from '../../doctor/index.ts'
import type { Context } from '../context.ts'
import { noteLook } from './run-notes.ts'

export interface WatchingOptions {
  readonly ms: number
  /** What is known when it begins. */
  readonly since: Readings
  readonly speaker: Speaker
  readonly say: (sentence: string) => void
}

/** Watches the phone for a time, tells what it says and notes how it is. A log that cannot be read is no reason to stop. */
export async function watchLog(
  phone: Phone,
  { ms, since, speaker, say }: WatchingOptions,
  context: Context,
): Promise<readonly Logged[]> {
  const { signal } = context
  try {
    const logged = await watchPhone(phone, {
      ms,
      since,
      onListening: () => say(speaker.say({ key: 'watch.listening' })),
      onEvent: (event) => say(`  ${speaker.say(watchMessage(event))}`),
      onSample: (sample) => noteLook(phone.udid, sample, context),
      signal,
    })
    if (logged.length === 0) say(speaker.say({ key: 'watch.silent' }))
    return logged
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    say(speaker.say({ key: 'visit.no-log', values: { code: error.code } }))
    return []
  }
}
