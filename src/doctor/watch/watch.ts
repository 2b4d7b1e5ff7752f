import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { openPhoneLog, type Phone, type PhoneLog, whileAwake, withinTime } from '../../device/index.ts'
import { type LogEvent, type Logged, parseLogLine } from '../engine.ts'
import { tooSlow } from '../gather/look.ts'

export interface WatchOptions extends WaitOptions {
  readonly ms: number
  /** The log is open: from now on nothing is missed. */
  readonly onListening: (service: PhoneLog['service']) => void
  readonly onEvent: (event: LogEvent) => void
}

/** More is not needed for any diagnosis. */
const EVENTS_MAX = 1000

/**
 * Listens to what the phone's own backups to iCloud write into its log, for a set time or until the phone leaves, and gives
 * all that was understood. Throws what `openPhoneLog` throws, and abort. Source: docs/protocol/doctor.md#log-lines
 */
export async function watchPhone(
  phone: Phone,
  { ms, onListening, onEvent, signal }: WatchOptions,
): Promise<readonly Logged[]> {
  const logged: Logged[] = []
  let isListening = false
  try {
    await withinTime({ ms, clock: phone.clock, late: () => tooSlow(ms), signal }, (signal) =>
      whileAwake(phone, { signal }, async (signal) => {
        await using log = await openPhoneLog(phone, { process: 'backupd' }, { signal })
        isListening = true
        onListening(log.service)
        for await (const { text } of log.lines({ signal })) {
          const event = parseLogLine(text)
          if (event === undefined || logged.length === EVENTS_MAX) continue
          logged.push({ event, atMs: phone.clock.nowMs() })
          onEvent(event)
        }
      }),
    )
  } catch (error) {
    signal.throwIfAborted()
    if (!isListening || !isAppError(error)) throw error
  }
  return logged
}
