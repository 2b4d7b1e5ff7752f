import { isBeforeFirstUnlock, isPasswordProtected } from '../condition/index.ts'
import type { Controlled } from './commands.ts'
import type { Journal } from './journal.ts'

/** Everything about the phone that a test or a person may want to see; plain data for JSON, without passcode and passwords. */
export function describePhone({ phone, cable }: Controlled, journal: Journal) {
  const { identity, condition, contents, faults, pairings, agent } = phone
  const { passcode, ...state } = condition.state
  return {
    udid: phone.udid,
    name: phone.values.get('', 'DeviceName'),
    model: identity.model.productType,
    ios: identity.productVersion,
    build: identity.buildVersion,
    isPlugged: cable.isPlugged,
    condition: {
      ...state,
      hasPasscode: passcode !== undefined,
      isPasswordProtected: isPasswordProtected(condition.state),
      isBeforeFirstUnlock: isBeforeFirstUnlock(condition.state),
      showsTrustDialog: condition.trustDialog.isShown,
      showsPasscodeSheet: condition.passcodeSheet.isShown,
    },
    isEncrypting: agent.encryption.password !== undefined,
    trustedHosts: pairings.hostIds,
    contents: contents.totals,
    backups: journal.backups,
    faults: { fired: faults.fired, waiting: faults.waiting },
    journal: journal.entries,
  }
}
