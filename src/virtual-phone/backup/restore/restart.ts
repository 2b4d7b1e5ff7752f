import type { WaitOptions } from '../../../base/channel.ts'
import { isAppError } from '../../../base/errors.ts'
import type { BackupPhone } from '../backup-phone.ts'
import { type DeviceLink, HostLeft } from '../device-link.ts'

/** How long a host may stay that was told of the end. */
const PATIENCE_MS = 5_000

/** The phone restarts as soon as the host has gone, or after a moment if it does not go. */
export async function restartSoon(link: DeviceLink, phone: BackupPhone, options: WaitOptions): Promise<void> {
  try {
    await link.quietly((waiting) => phone.clock.sleep(PATIENCE_MS, waiting), options)
  } catch (error) {
    if (!(error instanceof HostLeft) && !isAppError(error, 'wire.closed')) throw error
  }
  phone.onRestart()
}
