import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { boolOf } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { openConfiguration, readCloudConfiguration } from '../services/configuration.ts'

/** The phone is too old for the service, or keeps it to itself. */
const UNTOLD: ReadonlySet<string> = new Set(['device.service-refused', 'device.lockdown-refused', 'wire.closed'])

/**
 * Whether an organisation supervises the phone; undefined when the phone does not say.
 * Source: docs/protocol/mobilebackup2.md#supervision.
 */
export async function readSupervision(phone: Phone, { signal }: WaitOptions): Promise<boolean | undefined> {
  try {
    await using channel = await openConfiguration(phone, { signal })
    return boolOf((await readCloudConfiguration(channel, { signal })).IsSupervised)
  } catch (error) {
    if (isAppError(error) && UNTOLD.has(error.code)) return undefined
    throw error
  }
}
