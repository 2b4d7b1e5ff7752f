import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { boolOf, dictOf } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { ask } from '../plist-frame.ts'
import { openLimitedService } from '../services/limited-service.ts'

const CONFIGURATION_SERVICE = 'com.apple.mobile.MCInstall'

/**
 * Whether an organisation supervises the phone; undefined when the phone does not say.
 * Source: docs/protocol/mobilebackup2.md#supervision.
 */
export async function readSupervision(phone: Phone, { signal }: WaitOptions): Promise<boolean | undefined> {
  try {
    await using channel = await openLimitedService(phone, CONFIGURATION_SERVICE, { signal })
    const answer = await ask(channel, { RequestType: 'GetCloudConfiguration' }, { signal })
    return boolOf(dictOf(answer.CloudConfiguration)?.IsSupervised)
  } catch (error) {
    if (isAppError(error, 'device.service-refused') || isAppError(error, 'wire.closed')) return undefined
    throw error
  }
}
