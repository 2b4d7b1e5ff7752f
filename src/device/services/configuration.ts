import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { dictOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { ask } from '../plist-frame.ts'
import { printableValue } from '../printable.ts'
import { openLimitedService } from './limited-service.ts'

const CONFIGURATION_SERVICE = 'com.apple.mobile.MCInstall'

/** Starts the service that knows who manages the phone. The caller closes it. Source: docs/protocol/small-services.md#configuration */
export async function openConfiguration(phone: Phone, { signal }: WaitOptions): Promise<ByteChannel> {
  return await openLimitedService(phone, CONFIGURATION_SERVICE, { signal })
}

/** What an organisation has set up the phone with: `IsSupervised`, `OrganizationName`, …; empty where nobody has. */
export async function readCloudConfiguration(channel: ByteChannel, { signal }: WaitOptions): Promise<PlistDict> {
  const answer = await askFor(channel, 'GetCloudConfiguration', { signal })
  return dictOf(answer.CloudConfiguration) ?? {}
}

/** What each installed profile says of itself, by its identifier; what it does is not told. */
export async function readProfiles(channel: ByteChannel, { signal }: WaitOptions): Promise<PlistDict> {
  const answer = await askFor(channel, 'GetProfileList', { signal })
  return dictOf(answer.ProfileMetadata) ?? {}
}

async function askFor(channel: ByteChannel, what: string, { signal }: WaitOptions): Promise<PlistDict> {
  const answer = await ask(channel, { RequestType: what }, { signal })
  if (answer.Status === undefined || answer.Status === 'Acknowledged') return answer
  throw deviceError('device.lockdown-refused', `The phone refused ${what}: ${printableValue(answer.Status)}`, {
    remedy: 'Unlock the phone, connect it again and retry',
  })
}
