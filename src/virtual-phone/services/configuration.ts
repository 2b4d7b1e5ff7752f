import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { type PlistDict, textOf } from '../../plist/index.ts'
import type { ConditionState } from '../condition/index.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'
import { uuidOf } from '../uuid-of.ts'
import type { ServicePhone } from './service.ts'

/** Tells who manages the phone, and which profiles are installed. Source: docs/protocol/small-services.md#configuration */
export async function serveConfiguration(
  channel: ByteChannel,
  { condition }: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  for await (const request of readRequests(channel, { signal })) {
    await writePlistFrame(channel, answerTo(textOf(request.RequestType), condition.state), { signal })
  }
}

function answerTo(request: string | undefined, state: ConditionState): PlistDict {
  switch (request) {
    case 'GetCloudConfiguration':
      return { Status: 'Acknowledged', CloudConfiguration: cloudConfiguration(state) }
    case 'GetProfileList':
      return { Status: 'Acknowledged', ...profileList(state) }
    default:
      return { Status: 'Error', ErrorChain: [] }
  }
}

function cloudConfiguration({ isSupervised, organization }: ConditionState): PlistDict {
  return { IsSupervised: isSupervised, ...(organization !== undefined && { OrganizationName: organization }) }
}

function profileList({ profiles, organization = 'Example Ltd' }: ConditionState): PlistDict {
  const names = Array.from({ length: profiles }, (_, index) => `com.example.profile.${index + 1}`)
  const metadata = (name: string): PlistDict => ({
    PayloadDisplayName: name,
    PayloadDescription: '',
    PayloadOrganization: organization,
    PayloadRemovalDisallowed: false,
    PayloadUUID: uuidOf(name),
    PayloadVersion: 1,
  })
  return {
    OrderedIdentifiers: names,
    ProfileManifest: Object.fromEntries(names.map((name) => [name, { Description: name, IsActive: true }])),
    ProfileMetadata: Object.fromEntries(names.map((name) => [name, metadata(name)])),
  }
}
