import { isAppError } from '../../base/errors.ts'
import type { Phone } from '../../device/index.ts'
import { type Logged, type Speaker, watchMessage, watchPhone } from '../../doctor/index.ts'
import type { Context } from '../context.ts'
import type { Words } from './words.ts'

export interface WatchingOptions {
  readonly ms: number
  readonly speaker: Speaker
  readonly words: Words
  readonly say: (sentence: string) => void
}

/** Listens to the phone's log for a time, and tells what it says. A log that cannot be read is no reason to stop. */
export async function watchLog(
  phone: Phone,
  { ms, speaker, words, say }: WatchingOptions,
  { signal }: Context,
): Promise<readonly Logged[]> {
  try {
    const logged = await watchPhone(phone, {
      ms,
      onListening: () => say(speaker.say({ key: 'watch.listening' })),
      onEvent: (event) => say(`  ${speaker.say(watchMessage(event))}`),
      signal,
    })
    if (logged.length === 0) say(speaker.say({ key: 'watch.silent' }))
    return logged
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    say(`${words.noLog} [${error.code}]`)
    return []
  }
}
