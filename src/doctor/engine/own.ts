import { saw } from './evidence.ts'
import { type Facts, known, reading } from './facts.ts'
import type { Evidence } from './finding.ts'
import { OWN_FRESH_MS, OWN_LATE_MS } from './thresholds.ts'

/** How old our newest backup is; undefined where that is not known. */
export type OwnAge = 'fresh' | 'late' | 'old' | 'never'

export function ownAge(facts: Facts): OwnAge | undefined {
  const last = reading(facts, 'ownLastMs')
  if (last.kind === 'absent') return 'never'
  if (last.kind === 'unread' || !Number.isFinite(last.value)) return undefined
  const ageMs = facts.nowMs - last.value
  return ageMs < OWN_FRESH_MS ? 'fresh' : ageMs < OWN_LATE_MS ? 'late' : 'old'
}

/** Backups are meant to be kept here. */
export function isOwnSetUp(facts: Facts): boolean {
  const last = reading(facts, 'ownLastMs')
  return last.kind !== 'unread' || last.why !== 'not-asked'
}

export function ownEvidence(facts: Facts): readonly Evidence[] {
  const lastMs = known(facts, 'ownLastMs')
  if (lastMs !== undefined) {
    const values = { when: { dateMs: lastMs }, age: { spanMs: Math.max(0, facts.nowMs - lastMs) } }
    return [saw('own-last', ['ownLastMs'], values)]
  }
  if (!isOwnSetUp(facts)) return [saw('own-not-set-up', [], {})]
  return ownAge(facts) === 'never' ? [saw('own-never', ['ownLastMs'], {})] : []
}

/** What went wrong with our last run, unless a later one made a backup. */
export function failureSinceBackup(facts: Facts): { readonly code: string; readonly atMs: number } | undefined {
  const failure = known(facts, 'ownFailure')
  const lastMs = known(facts, 'ownLastMs')
  return failure !== undefined && (lastMs === undefined || failure.atMs > lastMs) ? failure : undefined
}
