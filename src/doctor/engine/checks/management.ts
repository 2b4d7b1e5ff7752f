import { isOverdue } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type Facts, known, type Management, reading } from '../facts.ts'
import type { Evidence, Finding } from '../finding.ts'
import { conclude, okByBackup, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns } from './signs.ts'

/**
 * Do rules forbid iCloud Backup: those of who manages the phone, or of Screen Time? What a profile forbids cannot be read;
 * that there are profiles can, and what the phone answers when it is asked to switch iCloud Backup on.
 */
export function examineManagement(facts: Facts): readonly Finding[] {
  return (
    okByBackup(facts, 'management') ??
    conclude(facts, {
      check: 'management',
      signs: [...managedSigns(facts), ...greySigns(facts), ...errorSigns(facts, 'policy', 'managed', 'certain')],
      proof: proofOf(facts),
      restsOn: ['management', 'hasScreenTimeLock', 'message', 'backUpNow', 'cloudSwitch', ...ERROR_FACTS],
      questions: isGrey(facts) ? ['screen-time', 'managed'] : ['managed'],
    })
  )
}

function managedSigns(facts: Facts): readonly Sign[] {
  const management = known(facts, 'management')
  if (management === undefined) return []
  const whom = [whoManages(management)]
  if (management.forbidsCloud) {
    return [sign('managed', 'certain', saw('cloud-forbidden', ['management'], {}), ...whom)]
  }
  if (isManaged(management) && (isOff(facts) || isGrey(facts))) return [sign('managed', 'likely', ...whom)]
  const mayForbid = (isManaged(management) && isOverdue(facts)) || (management.profiles > 0 && isOff(facts))
  return mayForbid ? [sign('managed', 'possible', ...whom)] : []
}

/** A switch that cannot be moved is locked by somebody's rules. */
function greySigns(facts: Facts): readonly Sign[] {
  const locks = known(facts, 'hasScreenTimeLock')
  if (!isGrey(facts)) return []
  const grey = saw('switch-greyed-out', [known(facts, 'message') === 'switch-is-grey' ? 'message' : 'backUpNow'], {})
  if (locks) return [sign('screen-time', 'likely', saw('screen-time-locks', ['hasScreenTimeLock'], {}), grey)]
  return locks === false ? [sign('managed', 'possible', grey)] : [sign('screen-time', 'possible', grey)]
}

function proofOf(facts: Facts): readonly Evidence[] {
  const management = known(facts, 'management')
  if (management === undefined) return []
  return isManaged(management) || management.profiles > 0
    ? [whoManages(management)]
    : [saw('not-managed', ['management'], {})]
}

function whoManages({ organization, isSupervised, profiles }: Management): Evidence {
  if (organization !== undefined) return saw('managed-by', ['management'], { organization: { private: organization } })
  return isSupervised ? saw('managed', ['management'], {}) : saw('profiles', ['management'], { count: profiles })
}

function isManaged({ isSupervised, organization }: Management): boolean {
  return isSupervised || organization !== undefined
}

function isOff(facts: Facts): boolean {
  return reading(facts, 'cloudSwitch').kind === 'absent' || known(facts, 'cloudSwitch') === false
}

function isGrey(facts: Facts): boolean {
  return known(facts, 'message') === 'switch-is-grey' || known(facts, 'backUpNow') === 'greyed-out'
}
