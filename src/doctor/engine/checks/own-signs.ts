import { saw } from '../evidence.ts'
import type { Facts } from '../facts.ts'
import type { Evidence } from '../finding.ts'
import { failureSinceBackup } from '../own.ts'
import { type ObstacleMeaning, obstacleIn } from '../own-obstacles.ts'
import { type Sign, sign } from './conclude.ts'

/** The facts that a failed run is weighed by. */
export const FAILURE_FACTS = ['ownFailure', 'ownLastMs'] as const

/** A sign from how our last run ended, if its error is in this table. */
export function failureSigns(facts: Facts, table: Readonly<Record<string, ObstacleMeaning>>): readonly Sign[] {
  const failure = failureSinceBackup(facts)
  return failure === undefined ? [] : codeSigns(table, failure.code, failureEvidence(failure))
}

/** A sign from the code of an error, if it is in this table. */
export function codeSigns(
  table: Readonly<Record<string, ObstacleMeaning>>,
  code: string | undefined,
  evidence: Evidence,
): readonly Sign[] {
  const meaning = obstacleIn(table, code)
  return meaning === undefined ? [] : [sign(meaning.cause, meaning.certainty, evidence)]
}

export function failureEvidence({ code, atMs }: { readonly code: string; readonly atMs: number }): Evidence {
  return saw('own-failure', ['ownFailure'], { code, when: { dateMs: atMs } })
}
