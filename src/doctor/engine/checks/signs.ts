import type { CauseId } from '../causes.ts'
import { cloudAge } from '../cloud.ts'
import { meaningOf, type Pointer } from '../error-codes.ts'
import { saw } from '../evidence.ts'
import { type CloudError, type FactName, type Facts, known, type Nights, type PhoneMessage } from '../facts.ts'
import type { Certainty, Evidence } from '../finding.ts'
import { BAD_NIGHTS_SHARE, NIGHTS_MIN, STALE_MS } from '../thresholds.ts'
import { type Sign, sign } from './conclude.ts'

/** The facts that errors are weighed by. */
export const ERROR_FACTS = ['cloudErrors', 'cloudLastMs'] as const satisfies readonly FactName[]

/** What the phone noted since its last backup to iCloud, the newest first; a success makes older errors void. */
export function errorsSinceBackup(facts: Facts): readonly CloudError[] {
  const age = cloudAge(facts)
  const sinceMs = 'lastMs' in age && age.kind !== 'future' ? age.lastMs : Number.NEGATIVE_INFINITY
  const errors = known(facts, 'cloudErrors') ?? []
  return errors.filter(({ atMs }) => atMs > sinceMs).toSorted((one, other) => other.atMs - one.atMs)
}

/** Signs from the errors that point there: the newest error is telling, older ones and very old ones less so. */
export function errorSigns(
  facts: Facts,
  pointer: Pointer,
  cause: CauseId,
  certainty: Certainty = 'likely',
): readonly Sign[] {
  return errorsSinceBackup(facts).flatMap((error, index) => {
    if (meaningOf(error)?.pointer !== pointer) return []
    const isTelling = index === 0 && facts.nowMs - error.atMs < STALE_MS
    return [sign(cause, isTelling ? certainty : 'possible', errorEvidence(error))]
  })
}

export function errorEvidence({ domain, code, atMs }: CloudError): Evidence {
  return saw('error-noted', ['cloudErrors'], { domain, code, when: { dateMs: atMs } })
}

/** A sign from what the phone shows, if it is one of these texts. */
export function messageSigns(
  facts: Facts,
  texts: Partial<Readonly<Record<PhoneMessage, readonly [CauseId, Certainty]>>>,
): readonly Sign[] {
  const text = known(facts, 'message')
  const meaning = text === undefined ? undefined : texts[text]
  if (text === undefined || meaning === undefined) return []
  return [sign(...meaning, saw('phone-says', ['message'], { text: { message: { key: `phone-message.${text}` } } }))]
}

/** The last nights, if enough of them were watched to mean something. */
export function watchedNights(facts: Facts): Nights | undefined {
  const nights = known(facts, 'nights')
  return nights !== undefined && nights.watched >= NIGHTS_MIN ? nights : undefined
}

/** Whether something was missing in most of the nights. */
export function isMost(without: number, { watched }: Nights): boolean {
  return without >= watched * BAD_NIGHTS_SHARE
}
