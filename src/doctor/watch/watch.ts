import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { openPhoneLog, type Phone, type PhoneLog, whileAwake, withinTime } from '../../device/index.ts'
import { type Logged, parseLogLine } from '../engine.ts'
import { tooSlow } from '../gather/look.ts'
import { type FollowOptions, followBackups } from './follow-backups.ts'

export interface WatchOptions extends Pick<FollowOptions, 'since' | 'onSample' | 'signal'> {
  readonly ms: number
  /** The log is open: from now on nothing is missed. */
  readonly onListening: (service: PhoneLog['service']) => void
  readonly onEvent: (event: Logged['event']) => void
}

/** More is not needed for any diagnosis. */
const EVENTS_MAX = 1000

/**
 * Listens to what the phone's own backups to iCloud write into its log, and reads how they stand, for a set time or until the
 * phone leaves; gives all that was understood. Throws what `openPhoneLog` throws, and abort.
 * Source: docs/protocol/doctor.md#log-lines
 */
export async function watchPhone(phone: Phone, options: WatchOptions): Promise<readonly Logged[]> {
  const { ms, since, onEvent, onListening, onSample, signal } = options
  const logged: Logged[] = []
  let isListening = false
  const tell = (event: Logged['event']) => {
    if (logged.length === EVENTS_MAX) return
    logged.push({ event, atMs: phone.clock.nowMs() })
    onEvent(event)
  }
  const listening = (service: PhoneLog['service']) => {
    isListening = true
    onListening(service)
  }
  try {
    await withinTime({ ms, clock: phone.clock, late: () => tooSlow(ms), signal }, (signal) =>
      whileAwake(phone, { signal }, (signal) =>
        eitherEnds(
          [
            (signal) => followLog(phone, { onListening: listening, onEvent: tell, signal }),
            (signal) => followBackups(phone, { since, onNews: tell, onSample, signal }),
          ],
          { signal },
        ),
      ),
    )
  } catch (error) {
    signal.throwIfAborted()
    if (!isListening || !isAppError(error)) throw error
  }
  return logged
}

async function followLog(
  phone: Phone,
  { onListening, onEvent, signal }: Pick<WatchOptions, 'onListening' | 'onEvent' | 'signal'>,
): Promise<void> {
  await using log = await openPhoneLog(phone, { process: 'backupd' }, { signal })
  onListening(log.service)
  for await (const { text } of log.lines({ signal })) {
    const event = parseLogLine(text)
    if (event !== undefined) onEvent(event)
  }
}

/** Works at once; when the first ends, well or not, the other is stopped and waited for. */
async function eitherEnds(
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
  { signal }: WaitOptions,
): Promise<void> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const running = works.map((work) => work(either).finally(() => stop.abort()))
  const first = Promise.race(running)
  await Promise.allSettled([first, ...running])
  await first
}
