import type { CauseId } from './causes.ts'
import type { BackupVerdict, Verdict } from './diagnosis.ts'
import type { Certainty, CheckId, Finding } from './finding.ts'
import { BY_ELIMINATION, CAUSE_ORDER, CERTAINTY_ORDER, EXPLAINS, UNREADABLE } from './order.ts'

/** A cause that something speaks for. */
export interface Suspect {
  readonly cause: CauseId
  readonly certainty: Certainty
  readonly check: CheckId
}

export interface Suspects {
  /** Those that may be why a backup is missing, the likeliest first. */
  readonly live: readonly Suspect[]
  /** What was found besides, and is only worth a warning. */
  readonly others: readonly Suspect[]
}

/** Sorts what the checks found by what it explains, how certain it is, and the order of causes. */
export function suspectsOf(findings: readonly Finding[], verdict: Verdict): Suspects {
  const all = strongestOfEach(findings)
  const explained = explainedBy(all)
  const sorted = all.toSorted((one, other) => weightOf(one, verdict) - weightOf(other, verdict))
  const isLive = (suspect: Suspect) =>
    !explained.has(suspect.cause) && isSuspected(suspect, verdictFor(suspect, verdict))
  return { live: sorted.filter(isLive), others: sorted.filter((suspect) => !isLive(suspect)) }
}

/** Whether a cause is of our own backups alone. */
export function isOwn({ check }: Pick<Suspect, 'check'>): boolean {
  return check.startsWith('own-')
}

/** Nothing speaks clearly for it, and other things are cheaper to try. */
export function isByElimination({ cause, certainty }: Suspect): boolean {
  return certainty === 'possible' && BY_ELIMINATION.has(cause)
}

function strongestOfEach(findings: readonly Finding[]): readonly Suspect[] {
  const suspects = findings.flatMap((finding) => (finding.status === 'problem' ? [finding] : []))
  const byCause = Map.groupBy(suspects, ({ cause }) => cause)
  return [...byCause.values()].flatMap((same) =>
    same.toSorted((one, other) => rankOf(one.certainty) - rankOf(other.certainty)).slice(0, 1),
  )
}

function explainedBy(suspects: readonly Suspect[]): ReadonlySet<CauseId> {
  return new Set(suspects.flatMap(({ cause, certainty }) => (certainty === 'possible' ? [] : (EXPLAINS[cause] ?? []))))
}

/** Where backups are made, nothing is suspected; where it is not known whether they are, only what is clear. */
function isSuspected({ certainty }: Suspect, verdict: BackupVerdict): boolean {
  if (verdict === 'healthy') return false
  if (verdict === 'waiting') return certainty === 'certain'
  return verdict !== 'unknown' || certainty !== 'possible'
}

function verdictFor(suspect: Suspect, { icloud, local }: Verdict): BackupVerdict {
  if (!isOwn(suspect)) return icloud
  return icloud === 'unknown' && UNREADABLE.has(suspect.cause) ? 'unknown' : local
}

const TURN_WEIGHT = 10_000
const CERTAINTY_WEIGHT = 1_000

function weightOf(suspect: Suspect, verdict: Verdict): number {
  const { cause, certainty } = suspect
  return turnOf(suspect, verdict) * TURN_WEIGHT + rankOf(certainty) * CERTAINTY_WEIGHT + CAUSE_ORDER.indexOf(cause)
}

/** What keeps us from reading the phone, then iCloud, then our own backups; what is only left over waits for what is clear. */
function turnOf(suspect: Suspect, { icloud }: Verdict): number {
  if (icloud === 'unknown' && UNREADABLE.has(suspect.cause)) return 0
  if (isOwn(suspect)) return suspect.certainty === 'possible' ? 4 : 2
  return isByElimination(suspect) ? 3 : 1
}

function rankOf(certainty: Certainty): number {
  return CERTAINTY_ORDER.indexOf(certainty)
}
