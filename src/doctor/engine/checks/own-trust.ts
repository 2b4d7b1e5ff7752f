import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { TRUST_OBSTACLES } from '../own-obstacles.ts'
import { conclude } from './conclude.ts'
import { codeSigns, FAILURE_FACTS, failureSigns } from './own-signs.ts'

/** Does the phone trust this computer? */
export function examineOwnTrust(facts: Facts): readonly Finding[] {
  const code = known(facts, 'obstacle')
  const isTrusted = reading(facts, 'reach').kind === 'known' && reading(facts, 'obstacle').kind === 'absent'
  return conclude(facts, {
    check: 'own-trust',
    signs: [
      ...codeSigns(TRUST_OBSTACLES, code, saw('obstacle', ['obstacle'], { code: code ?? '' })),
      ...(isTrusted ? [] : failureSigns(facts, TRUST_OBSTACLES)),
    ],
    proof: isTrusted ? [saw('trusted', ['reach', 'obstacle'], {})] : [],
    restsOn: ['reach', 'obstacle', ...FAILURE_FACTS],
  })
}
