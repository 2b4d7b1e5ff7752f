import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { isOwnSetUp } from '../own.ts'
import { PASSWORD_FAILURES } from '../own-obstacles.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { FAILURE_FACTS, failureSigns } from './own-signs.ts'

/** Is the backup password known here, where the phone has one, and has it one where it must? */
export function examineOwnPassword(facts: Facts): readonly Finding[] {
  return conclude(facts, {
    check: 'own-password',
    signs: [...stateSigns(facts), ...failureSigns(facts, PASSWORD_FAILURES)],
    proof: proofOf(facts),
    restsOn: ['isEncrypted', 'requiresEncryption', 'knowsPassword', ...FAILURE_FACTS],
  })
}

/** A backup is made without the password; only restoring it needs that. */
function stateSigns(facts: Facts): readonly Sign[] {
  const isEncrypted = known(facts, 'isEncrypted')
  if (isEncrypted === false && known(facts, 'requiresEncryption') === true && isOwnSetUp(facts)) {
    return [sign('own-encryption-required', 'certain', saw('encryption-required', ['requiresEncryption'], {}))]
  }
  if (isEncrypted !== true || known(facts, 'knowsPassword') !== false) return []
  return [sign('own-password-unknown', 'possible', saw('password-unknown', ['knowsPassword'], {}))]
}

function proofOf(facts: Facts): readonly Evidence[] {
  const isEncrypted = known(facts, 'isEncrypted')
  if (isEncrypted === true && known(facts, 'knowsPassword')) return [saw('password-known', ['knowsPassword'], {})]
  const hasNone = isEncrypted === false || reading(facts, 'isEncrypted').kind === 'absent'
  return hasNone ? [saw('not-encrypted', ['isEncrypted'], {})] : []
}
