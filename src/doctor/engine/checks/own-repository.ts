import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { obstacleIn, REPOSITORY_OBSTACLES } from '../own-obstacles.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { FAILURE_FACTS, failureSigns } from './own-signs.ts'

/** Does the repository open? What we know nothing about keeps it from opening all the same. */
export function examineOwnRepository(facts: Facts): readonly Finding[] {
  const code = known(facts, 'repositoryObstacle')
  const opens = reading(facts, 'repositoryObstacle').kind === 'absent'
  return conclude(facts, {
    check: 'own-repository',
    signs: [
      ...(code === undefined ? [] : [obstacleSign(code)]),
      ...(opens ? [] : failureSigns(facts, REPOSITORY_OBSTACLES)),
    ],
    proof: opens ? [saw('repository-opens', ['repositoryObstacle'], {})] : [],
    restsOn: ['repositoryObstacle', ...FAILURE_FACTS],
  })
}

function obstacleSign(code: string): Sign {
  const { cause, certainty } = obstacleIn(REPOSITORY_OBSTACLES, code) ?? UNHEARD_OF
  return sign(cause, certainty, saw('repository-obstacle', ['repositoryObstacle'], { code }))
}

const UNHEARD_OF = { cause: 'own-repository-unreachable', certainty: 'likely' } as const
