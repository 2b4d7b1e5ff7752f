import type { WaitOptions } from '../../base/channel.ts'
import { openConfiguration, type Phone, readCloudConfiguration, readProfiles } from '../../device/index.ts'
import { dictOf, type PlistDict, textOf } from '../../plist/index.ts'
import type { Management } from '../engine.ts'
import { parseTruth } from './parse.ts'

/** Who manages the phone. What a profile forbids is not told. Source: docs/protocol/doctor.md#management */
export async function readManagement(phone: Phone, { signal }: WaitOptions): Promise<Management> {
  await using channel = await openConfiguration(phone, { signal })
  const profiles = await readProfiles(channel, { signal })
  const configuration = await readCloudConfiguration(channel, { signal })
  return managementOf({ profiles, configuration })
}

function managementOf({ profiles, configuration }: { profiles: PlistDict; configuration: PlistDict }): Management {
  const { IsSupervised } = configuration
  const organization = [configuration.OrganizationName, ...Object.values(profiles).map(organizationOf)]
    .map(textOf)
    .find((name) => name !== undefined && name !== '')
  return {
    isSupervised: IsSupervised !== undefined && parseTruth(IsSupervised) === true,
    profiles: Object.keys(profiles).length,
    ...(organization !== undefined && { organization: organization.slice(0, ORGANIZATION_LENGTH_MAX) }),
  }
}

const ORGANIZATION_LENGTH_MAX = 100

function organizationOf(metadata: PlistDict[string]) {
  return dictOf(metadata)?.PayloadOrganization
}
