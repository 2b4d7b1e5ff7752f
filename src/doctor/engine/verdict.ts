import { cloudAge, isWaiting, trueNowMs } from './cloud.ts'
import type { BackupVerdict, Protection, Verdict } from './diagnosis.ts'
import { type Facts, known, reading } from './facts.ts'
import { isOwnSetUp, ownAge } from './own.ts'
import { COPY_KEPT_MS } from './thresholds.ts'

/** How it stands with the backups to iCloud, with our own, and with the person's data. */
export function verdictOf(facts: Facts): Verdict {
  const icloud = cloudVerdict(facts)
  const local = localVerdict(facts)
  return { icloud, local, protected: protectionOf(facts, icloud, local) }
}

function cloudVerdict(facts: Facts): BackupVerdict {
  if (isSwitchOff(facts)) return 'off'
  const { kind } = cloudAge(facts)
  if (kind === 'fresh') return 'healthy'
  if (isWaiting(facts)) return 'waiting'
  if (kind === 'unknown' || kind === 'noted') return 'unknown'
  return kind === 'late' ? 'late' : 'problem'
}

function localVerdict(facts: Facts): BackupVerdict {
  switch (ownAge(facts)) {
    case undefined:
      return 'unknown'
    case 'fresh':
      return 'healthy'
    case 'never':
      return 'off'
    case 'late':
      return 'late'
    case 'old':
      return 'problem'
  }
}

/** One healthy sort of backup is enough. Where one is not known, nothing bad is said of the whole. */
function protectionOf(facts: Facts, icloud: BackupVerdict, local: BackupVerdict): Protection {
  if (icloud === 'healthy' || local === 'healthy') return 'protected'
  const hasOwn = isOwnSetUp(facts)
  if (icloud === 'unknown' || (hasOwn && local === 'unknown')) return 'unknown'
  return hasCloudCopy(facts) || local === 'late' || local === 'problem' ? 'at-risk' : 'unprotected'
}

/** A copy that iCloud must still have. */
function hasCloudCopy(facts: Facts): boolean {
  const age = cloudAge(facts)
  if (!('lastMs' in age)) return false
  return !isSwitchOff(facts) || age.lastMs + COPY_KEPT_MS > trueNowMs(facts)
}

function isSwitchOff(facts: Facts): boolean {
  return reading(facts, 'cloudSwitch').kind === 'absent' || known(facts, 'cloudSwitch') === false
}
