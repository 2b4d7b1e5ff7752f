import { isOverdue } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { LONG_UP_MS } from '../thresholds.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns, messageSigns } from './signs.ts'

/** Would a restart help, or does the phone wait to be unlocked after one? */
export function examineRestart(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'restart') ??
    conclude(facts, {
      check: 'restart',
      signs: [
        ...lockedSigns(facts),
        ...longUp(facts),
        ...messageSigns(facts, {
          'estimating-for-hours': ['stuck', 'likely'],
          'files-unavailable': ['stuck', 'likely'],
          'could-not-be-completed': ['stuck', 'possible'],
        }),
        ...errorSigns(facts, 'restart', 'stuck'),
        ...errorSigns(facts, 'lock', 'not-unlocked'),
      ],
      proof: isLongUp(facts) ? [] : upSince(facts),
      notes: isLongUp(facts) ? upSince(facts) : [],
      restsOn: ['upSinceMs', 'obstacle', 'message', ...ERROR_FACTS],
    })
  )
}

function lockedSigns(facts: Facts): readonly Sign[] {
  const obstacle = known(facts, 'obstacle')
  if (obstacle !== 'device.not-unlocked' && obstacle !== 'device.locked') return []
  return [sign('not-unlocked', 'certain', saw('not-unlocked', ['obstacle'], {}))]
}

function longUp(facts: Facts): readonly Sign[] {
  return isLongUp(facts) && isOverdue(facts) ? [sign('stuck', 'possible', ...upSince(facts))] : []
}

function isLongUp(facts: Facts): boolean {
  const upSinceMs = known(facts, 'upSinceMs')
  return upSinceMs !== undefined && facts.nowMs - upSinceMs > LONG_UP_MS
}

function upSince(facts: Facts): readonly Evidence[] {
  const upSinceMs = known(facts, 'upSinceMs')
  if (upSinceMs === undefined) return []
  return [saw('up-since', ['upSinceMs'], { when: { dateMs: upSinceMs }, age: { spanMs: facts.nowMs - upSinceMs } })]
}
