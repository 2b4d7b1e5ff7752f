import { saw } from './evidence.ts'
import { type Facts, known, reading } from './facts.ts'
import type { Evidence } from './finding.ts'
import { CLOCK_OFF_MS, DAY_MS, FRESH_MS, LATE_MS, STALE_MS } from './thresholds.ts'

/** How old the last backup to iCloud is. */
export type CloudAge =
  | { readonly kind: 'fresh' | 'late' | 'stale' | 'old'; readonly lastMs: number; readonly ageMs: number }
  | { readonly kind: 'never' }
  /** Older than what was restored onto the phone, so not of what is on it now. */
  | { readonly kind: 'before-restore'; readonly lastMs: number; readonly restoredMs: number }
  | { readonly kind: 'future'; readonly lastMs: number }
  /** There may have been another since this was read. */
  | { readonly kind: 'noted'; readonly lastMs: number; readonly notedMs: number }
  | { readonly kind: 'unknown' }

/**
 * The phone writes this date after a backup that succeeded, and only then, so its age tells more than anything else.
 * Source: docs/protocol/doctor.md#backup-dates
 */
export function cloudAge(facts: Facts): CloudAge {
  const last = reading(facts, 'cloudLastMs')
  const nowMs = trueNowMs(facts)
  if (last.kind === 'absent') return { kind: 'never' }
  if (last.kind === 'unread' || !Number.isFinite(last.value)) return { kind: 'unknown' }
  const lastMs = last.value
  const ageMs = nowMs - lastMs
  if (ageMs < -CLOCK_OFF_MS) return { kind: 'future', lastMs }
  const restoredMs = known(facts, 'restoredMs')
  if (restoredMs !== undefined && lastMs < restoredMs) return { kind: 'before-restore', lastMs, restoredMs }
  if (ageMs < FRESH_MS) return { kind: 'fresh', lastMs, ageMs }
  if (facts.nowMs - last.atMs > FRESH_MS) return { kind: 'noted', lastMs, notedMs: last.atMs }
  return { kind: ageMs < LATE_MS ? 'late' : ageMs < STALE_MS ? 'stale' : 'old', lastMs, ageMs }
}

export function isFresh(facts: Facts): boolean {
  return cloudAge(facts).kind === 'fresh'
}

/** A backup should have been made, and was not. */
export function isOverdue(facts: Facts): boolean {
  const { kind } = cloudAge(facts)
  return kind !== 'fresh' && kind !== 'unknown' && kind !== 'noted' && !isWaiting(facts)
}

/** It was switched on, or restored, so lately that its first night is still to come. */
export function isWaiting(facts: Facts): boolean {
  const nowMs = trueNowMs(facts)
  const since = Math.max(known(facts, 'cloudSwitchedOnMs') ?? 0, known(facts, 'restoredMs') ?? 0)
  return known(facts, 'cloudSwitch') === true && since <= nowMs && nowMs - since < DAY_MS
}

/** When the first backup that was not made should have been made; undefined where that cannot be said. */
export function missedSinceMs(facts: Facts): number | undefined {
  const age = cloudAge(facts)
  return age.kind === 'late' || age.kind === 'stale' || age.kind === 'old' ? age.lastMs + FRESH_MS : undefined
}

/** The present by Apple's servers, where they say that our own clock is wrong. */
export function trueNowMs(facts: Facts): number {
  const aheadMs = known(facts, 'ownClockAheadMs') ?? 0
  return Math.abs(aheadMs) > CLOCK_OFF_MS ? facts.nowMs - aheadMs : facts.nowMs
}

/** What is known of the last backup. */
export function cloudEvidence(facts: Facts): readonly Evidence[] {
  const age = cloudAge(facts)
  switch (age.kind) {
    case 'unknown':
      return []
    case 'never':
      return [saw('cloud-never', ['cloudLastMs'], {})]
    case 'future':
      return [saw('cloud-in-future', ['cloudLastMs'], { when: { dateMs: age.lastMs } })]
    case 'before-restore': {
      const values = { when: { dateMs: age.lastMs }, restored: { dateMs: age.restoredMs } }
      return [saw('cloud-before-restore', ['cloudLastMs', 'restoredMs'], values)]
    }
    case 'noted': {
      const values = { when: { dateMs: age.lastMs }, noted: { dateMs: age.notedMs } }
      return [saw('cloud-last-noted', ['cloudLastMs'], values)]
    }
    default:
      return [lastEvidence(facts, age)]
  }
}

/** A person tells roughly when it was: no date is made of that. */
export function isTold(facts: Facts): boolean {
  const last = reading(facts, 'cloudLastMs')
  return last.kind === 'known' && last.source === 'person'
}

function lastEvidence(facts: Facts, { lastMs, ageMs }: { readonly lastMs: number; readonly ageMs: number }): Evidence {
  const age = { spanMs: ageMs }
  if (isTold(facts)) return saw('cloud-last-told', ['cloudLastMs'], { age })
  return saw('cloud-last', ['cloudLastMs'], { when: { dateMs: lastMs }, age })
}
