import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { REPOSITORY_OBSTACLES } from '../own-obstacles.ts'
import { conclude } from './conclude.ts'
import { codeSigns, FAILURE_FACTS, failureSigns } from './own-signs.ts'

/** Does the repository open? */
export function examineOwnRepository(facts: Facts): readonly Finding[] {
  const code = known(facts, 'repositoryObstacle')
  const opens = reading(facts, 'repositoryObstacle').kind === 'absent'
  return conclude(facts, {
    check: 'own-repository',
    signs: [
      ...codeSigns(
        REPOSITORY_OBSTACLES,
        code,
        saw('repository-obstacle', ['repositoryObstacle'], { code: code ?? '' }),
      ),
      ...(opens ? [] : failureSigns(facts, REPOSITORY_OBSTACLES)),
    ],
    proof: opens ? [saw('repository-opens', ['repositoryObstacle'], {})] : [],
    restsOn: ['repositoryObstacle', ...FAILURE_FACTS],
  })
}
