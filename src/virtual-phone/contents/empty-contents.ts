import type { Clock } from '../../base/clock.ts'
import { PLAIN_FILE } from './entry.ts'
import { PhoneContents } from './phone-contents.ts'
import { literal } from './source.ts'

/** 2021-01-01T00:00:00Z: nothing that is restored is likely to be older. */
const FACTORY_S = 1_609_459_200

/** A phone as it leaves the factory: no apps, and one small file. `ios` as in `17.5`; the clock gives the times of later edits. */
export function openEmptyContents({ ios, clock }: { ios: string; clock: Clock }): PhoneContents {
  const contents = new PhoneContents({ identity: { productVersion: ios }, apps: [], clock })
  const bytes = Buffer.from('fresh\n')
  contents.put({
    domain: 'HomeDomain',
    relativePath: 'Library/Preferences/factory.txt',
    traits: PLAIN_FILE,
    modifiedS: FACTORY_S,
    source: literal(bytes),
    seed: 0,
    size: bytes.length,
  })
  return contents
}
