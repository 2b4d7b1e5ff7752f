import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { isOwnSetUp, ownAge } from '../own.ts'
import { REACH_OBSTACLES } from '../own-obstacles.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { codeSigns } from './own-signs.ts'

/** Does the phone answer us, and will it without a cable? */
export function examineOwnReach(facts: Facts): readonly Finding[] {
  const code = known(facts, 'obstacle')
  const reach = known(facts, 'reach')
  return conclude(facts, {
    check: 'own-reach',
    signs: [
      ...codeSigns(REACH_OBSTACLES, code, saw('obstacle', ['obstacle'], { code: code ?? '' })),
      ...unseen(facts),
      ...withoutWifi(facts),
    ],
    proof: reach === undefined ? [] : [saw('reached', ['reach'], { how: { message: { key: `reach.${reach}` } } })],
    notes: known(facts, 'wifiConnections') ? [saw('wifi-connections-on', ['wifiConnections'], {})] : [],
    restsOn: ['reach', 'obstacle', 'wifiConnections', 'ownLastMs'],
  })
}

function unseen(facts: Facts): readonly Sign[] {
  if (reading(facts, 'reach').kind !== 'absent') return []
  const seenMs = known(facts, 'lastSeenMs')
  const evidence: Evidence =
    seenMs === undefined
      ? saw('not-reached', ['reach'], {})
      : saw('not-reached-since', ['reach', 'lastSeenMs'], { when: { dateMs: seenMs } })
  return [sign('own-not-seen', 'certain', evidence)]
}

/** A phone that allows no connections over Wi-Fi is backed up by cable only, so one that is not backed up needs them. */
function withoutWifi(facts: Facts): readonly Sign[] {
  const isNeeded = isOwnSetUp(facts) && ownAge(facts) !== 'fresh'
  if (known(facts, 'wifiConnections') !== false || !isNeeded) return []
  return [sign('own-wifi-off', 'possible', saw('wifi-connections-off', ['wifiConnections'], {}))]
}
