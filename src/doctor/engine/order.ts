import type { CauseId } from './causes.ts'
import type { Certainty } from './finding.ts'

/**
 * Which cause comes first among equally certain ones: what stands in the way of everything else, then by how common it is and
 * how cheap to put right. Source: docs/protocol/doctor.md#causes
 */
export const CAUSE_ORDER = [
  'own-clock-wrong',
  'managed',
  'screen-time',
  'setup-unfinished',
  'restoring',
  'signed-out',
  'ios-too-old',
  'switch-off',
  'never-set-up',
  'not-unlocked',
  'clock-wrong',
  'phone-full',
  'service-outage',
  'storage-full',
  'dead-cable',
  'no-power',
  'no-wifi',
  'not-locked',
  'low-data-mode',
  'weak-wifi',
  'filtered-network',
  'low-power-mode',
  'never-in-condition',
  'account-wants-attention',
  'backed-off',
  'stuck',
  'weak-charger',
  'app-too-big',
  'copy-damaged',
  'ios-outdated',
  'ios-beta',
  'settings-tangled',
  'own-no-usbmuxd',
  'own-not-unlocked',
  'own-trust-lost',
  'own-not-trusted',
  'own-forbidden',
  'own-repository-password',
  'own-repository-no-password',
  'own-repository-unreachable',
  'own-repository-damaged',
  'own-repository-locked',
  'own-disk-full',
  'own-allowance-used',
  'own-phone-full',
  'own-encryption-required',
  'own-password-unknown',
  'own-passcode-not-given',
  'own-not-seen',
  'own-interrupted',
  'own-failed',
  'own-never-made',
  'own-wifi-off',
  'own-overdue',
] as const satisfies readonly CauseId[]

/** What follows from a cause: no cause of its own, and no use in putting it right alone. */
export const EXPLAINS: Partial<Readonly<Record<CauseId, readonly CauseId[]>>> = {
  'own-clock-wrong': ['clock-wrong'],
  managed: ['switch-off', 'never-set-up'],
  'screen-time': ['switch-off', 'never-set-up'],
  'setup-unfinished': ['switch-off', 'never-set-up'],
  restoring: ['switch-off', 'never-set-up', 'stuck'],
  'signed-out': ['switch-off', 'never-set-up', 'account-wants-attention'],
  'ios-too-old': ['switch-off', 'never-set-up'],
  'clock-wrong': ['filtered-network'],
  'dead-cable': ['no-power', 'never-in-condition'],
  'no-power': ['never-in-condition'],
  'no-wifi': ['never-in-condition', 'weak-wifi'],
  'not-locked': ['never-in-condition'],
  'own-no-usbmuxd': ['own-not-seen', 'own-never-made', 'own-overdue'],
  'own-not-seen': ['own-interrupted', 'own-overdue'],
  'own-not-unlocked': ['own-interrupted', 'own-not-seen'],
  'not-unlocked': ['own-not-unlocked', 'own-not-seen', 'own-interrupted'],
}

/** Where nothing speaks clearly for one of these, a plain try and the questions come first. */
export const BY_ELIMINATION: ReadonlySet<CauseId> = new Set<CauseId>([
  'managed',
  'dead-cable',
  'weak-charger',
  'stuck',
  'app-too-big',
  'copy-damaged',
  'ios-outdated',
  'ios-beta',
  'settings-tangled',
])

/** What keeps us from reading the phone at all: without it, nothing can be said of iCloud. */
export const UNREADABLE: ReadonlySet<CauseId> = new Set<CauseId>([
  'own-no-usbmuxd',
  'own-not-unlocked',
  'own-trust-lost',
  'own-not-trusted',
  'own-forbidden',
  'own-not-seen',
])

export const CERTAINTY_ORDER: readonly Certainty[] = ['certain', 'likely', 'possible']
