import { missedSinceMs } from '../cloud.ts'
import { meaningOf } from '../error-codes.ts'
import { saw } from '../evidence.ts'
import { type Facts, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorEvidence, errorsSinceBackup } from './signs.ts'

/**
 * Is the copy in iCloud damaged? Only the same vague error time and again says so; that there was none says something only
 * if it was looked for after backups had stopped.
 */
export function examineCopy(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'copy') ??
    conclude(facts, {
      check: 'copy',
      signs: signsOf(facts),
      proof: proofOf(facts),
      restsOn: ERROR_FACTS,
    })
  )
}

function signsOf(facts: Facts): readonly Sign[] {
  const vague = errorsSinceBackup(facts).filter((error) => meaningOf(error)?.pointer === 'copy')
  const [newest] = vague
  if (newest === undefined || vague.length < 2) return []
  const repeated = saw('errors-repeat', ['cloudErrors'], { count: vague.length })
  return [sign('copy-damaged', 'possible', errorEvidence(newest), repeated)]
}

function proofOf(facts: Facts): readonly Evidence[] {
  const errors = reading(facts, 'cloudErrors')
  const hasNone = errors.kind === 'absent' || (errors.kind === 'known' && errors.value.length === 0)
  return hasNone && errors.atMs > (missedSinceMs(facts) ?? facts.nowMs) ? [saw('errors-none', ['cloudErrors'], {})] : []
}
