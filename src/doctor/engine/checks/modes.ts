import type { CauseId } from '../causes.ts'
import { type EvidenceKey, saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'

interface Mode {
  readonly fact: 'hasLowDataMode' | 'hasLowPowerMode'
  readonly cause: CauseId
  readonly on: EvidenceKey & `low-${string}`
  readonly off: EvidenceKey & `low-${string}`
}

const MODES: readonly Mode[] = [
  { fact: 'hasLowDataMode', cause: 'low-data-mode', on: 'low-data-on', off: 'low-data-off' },
  { fact: 'hasLowPowerMode', cause: 'low-power-mode', on: 'low-power-on', off: 'low-power-off' },
]

/** Does the phone save data or power? Both make it put backups off. */
export function examineModes(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'modes') ??
    conclude(facts, {
      check: 'modes',
      signs: MODES.flatMap((mode) => signOf(facts, mode)),
      proof: MODES.every(({ fact }) => known(facts, fact) === false) ? MODES.map(offEvidence) : [],
      restsOn: MODES.map(({ fact }) => fact),
      questions: ['low-data-mode', 'low-power-mode'],
    })
  )
}

function signOf(facts: Facts, { fact, cause, on }: Mode): readonly Sign[] {
  return known(facts, fact) === true ? [sign(cause, 'likely', saw(on, [fact], {}))] : []
}

function offEvidence({ fact, off }: Mode): Evidence {
  return saw(off, [fact], {})
}
