import type { Facts } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { failureSinceBackup, ownAge, ownEvidence } from '../own.ts'
import {
  obstacleIn,
  PASSWORD_FAILURES,
  REPOSITORY_OBSTACLES,
  ROOM_FAILURES,
  RUN_FAILURES,
  TRUST_OBSTACLES,
} from '../own-obstacles.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { FAILURE_FACTS, failureEvidence, failureSigns } from './own-signs.ts'

/** Are backups made here, and how did the last run end? */
export function examineOwnRuns(facts: Facts): readonly Finding[] {
  const age = ownAge(facts)
  return conclude(facts, {
    check: 'own-runs',
    signs: [...ageSigns(facts), ...failureSigns(facts, RUN_FAILURES), ...otherFailure(facts)],
    proof: age === 'fresh' ? ownEvidence(facts) : [],
    notes: age === 'fresh' ? [] : ownEvidence(facts),
    restsOn: FAILURE_FACTS,
  })
}

/** That none was made is the least that can be said: whatever was in the way says more. */
function ageSigns(facts: Facts): readonly Sign[] {
  switch (ownAge(facts)) {
    case 'never':
      return [sign('own-never-made', 'likely', ...ownEvidence(facts))]
    case 'late':
    case 'old':
      return [sign('own-overdue', 'possible', ...ownEvidence(facts))]
    default:
      return []
  }
}

const TOLD_ELSEWHERE = [RUN_FAILURES, ROOM_FAILURES, REPOSITORY_OBSTACLES, PASSWORD_FAILURES, TRUST_OBSTACLES]

function otherFailure(facts: Facts): readonly Sign[] {
  const failure = failureSinceBackup(facts)
  if (failure === undefined || TOLD_ELSEWHERE.some((table) => obstacleIn(table, failure.code))) return []
  return [sign('own-failed', 'likely', failureEvidence(failure))]
}
