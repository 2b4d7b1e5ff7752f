import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import type { OnBackupEvent } from './backup-events.ts'

/** Does something that helps a backup but is not needed: a phone's refusal is told as an event and gives undefined. */
export type GoWithout = <Value>(
  what: string,
  work: () => Promise<Value>,
  options: WaitOptions,
) => Promise<Value | undefined>

/** What stands in the way of everything else too. */
const NOT_TOLERATED = new Set([
  'device.busy',
  'device.gone',
  'device.locked',
  'device.no-usbmuxd',
  'device.not-paired',
  'device.wrong-certificate',
])

/** Abort, and errors that are not the phone's, are not tolerated. */
export function goWithoutTelling(onEvent: OnBackupEvent | undefined): GoWithout {
  return async (what, work, { signal }) => {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !isAppError(error) || NOT_TOLERATED.has(error.code)) throw error
      onEvent?.({ kind: 'went-without', what, because: error.message })
      return undefined
    }
  }
}
