import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { notAnswering } from '../errors.ts'
import { withinTime } from '../time-limit.ts'
import type { OnBackupEvent } from './backup-events.ts'

/** Does something that helps a backup but is not needed: a phone's refusal is told as an event and gives undefined. */
export type GoWithout = <Value>(
  what: string,
  work: (signal: AbortSignal) => Promise<Value>,
  options: WaitOptions,
) => Promise<Value | undefined>

/** A phone that takes longer for one such thing is taken to refuse it. */
const HELP_MS_MAX = 120_000

/** What stands in the way of everything else too. */
const NOT_TOLERATED = new Set([
  'device.busy',
  'device.gone',
  'device.locked',
  'device.no-usbmuxd',
  'device.not-unlocked',
  'device.not-paired',
  'device.wrong-certificate',
])

/** Abort, and errors that are not the phone's, are not tolerated. */
export function goWithoutTelling(clock: Clock, onEvent: OnBackupEvent | undefined): GoWithout {
  const late = () => notAnswering('The phone', HELP_MS_MAX / 1000)
  return async (what, work, { signal }) => {
    try {
      return await withinTime({ ms: HELP_MS_MAX, clock, late, signal }, work)
    } catch (error) {
      if (signal.aborted || !isAppError(error) || NOT_TOLERATED.has(error.code)) throw error
      onEvent?.({ kind: 'went-without', what, because: error.message })
      return undefined
    }
  }
}
