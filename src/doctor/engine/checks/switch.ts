import { cloudEvidence, isTold } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type Facts, known, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { COPY_KEPT_MS } from '../thresholds.ts'
import { conclude, type Sign, sign } from './conclude.ts'

/** Is iCloud Backup switched on? A phone without that value never had it on, or has no account. */
export function examineSwitch(facts: Facts): readonly Finding[] {
  const isOn = known(facts, 'cloudSwitch') === true
  return conclude(facts, {
    check: 'switch',
    signs: signsOf(facts),
    proof: isOn ? [saw('switch-on', ['cloudSwitch'], {}), ...switchedOn(facts), ...cloudEvidence(facts)] : [],
    restsOn: ['cloudSwitch'],
    questions: ['switch'],
  })
}

function signsOf(facts: Facts): readonly Sign[] {
  const found = reading(facts, 'cloudSwitch')
  if (found.kind === 'absent' && known(facts, 'cloudLastMs') === undefined) {
    return [sign('never-set-up', 'certain', saw('switch-never', ['cloudSwitch'], {}))]
  }
  if (found.kind === 'absent' || (found.kind === 'known' && !found.value)) {
    const off = saw('switch-off', ['cloudSwitch'], {})
    return [sign('switch-off', 'certain', off, ...cloudEvidence(facts), ...copyMayGo(facts))]
  }
  if (found.kind === 'unread' && known(facts, 'condition')?.enabled === false) {
    return [sign('switch-off', 'likely', saw('switch-off-in-log', ['condition'], {}))]
  }
  return []
}

/** The copy may have been kept shorter only if it was switched off before its last backup, which cannot be. */
function copyMayGo(facts: Facts): readonly Evidence[] {
  const lastMs = known(facts, 'cloudLastMs')
  return lastMs === undefined || isTold(facts)
    ? []
    : [saw('copy-may-go', ['cloudLastMs'], { day: { dayMs: lastMs + COPY_KEPT_MS } })]
}

function switchedOn(facts: Facts): readonly Evidence[] {
  const onMs = known(facts, 'cloudSwitchedOnMs')
  return onMs === undefined ? [] : [saw('switched-on', ['cloudSwitchedOnMs'], { when: { dateMs: onMs } })]
}
