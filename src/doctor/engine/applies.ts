import { type FactName, type Facts, known, reading } from './facts.ts'
import { compareVersions, isBetaBuild, majorOf } from './ios-version.ts'
import { isOwnSetUp } from './own.ts'
import type { RemedyId } from './remedies.ts'

/** iOS lends room for a move to a new phone since then. */
const TEMPORARY_STORAGE_MAJOR = 15

/** Remedies that are not for every phone; the others always make sense. */
const CONDITIONS: Partial<Readonly<Record<RemedyId, (facts: Facts) => boolean>>> = {
  'enable-cloud-backup': isTalking,
  'restart-phone': isTalking,
  'allow-wifi-connections': (facts) => isTalking(facts) && known(facts, 'reach') === 'usb',
  'back-up-here': (facts) => isTalking(facts) && isOwnSetUp(facts),
  'back-up-on-a-computer': (facts) => !isOwnSetUp(facts),
  'connect-cable': (facts) => known(facts, 'reach') !== 'usb',
  'temporary-storage': (facts) => !isIosBelow(facts, TEMPORARY_STORAGE_MAJOR),
  'update-ios': canUpdate,
  'leave-beta': (facts) => isBetaBuild(known(facts, 'build') ?? ''),
  'turn-off-vpn': (facts) => !isNo(facts, 'hasVpn'),
  'turn-off-low-data': (facts) => !isNo(facts, 'hasLowDataMode'),
  'turn-off-low-power': (facts) => !isNo(facts, 'hasLowPowerMode'),
  /** With Advanced Data Protection, signing out risks what only this phone can open. */
  'sign-out-and-in': (facts) => known(facts, 'hasAdvancedDataProtection') !== true,
}

/** Whether a remedy makes sense for this phone, this iOS and the way it is reached. */
export function applies(remedy: RemedyId, facts: Facts): boolean {
  return CONDITIONS[remedy]?.(facts) ?? true
}

/** It answers, and trusts us. */
function isTalking(facts: Facts): boolean {
  return reading(facts, 'reach').kind === 'known' && reading(facts, 'obstacle').kind !== 'known'
}

function isIosBelow(facts: Facts, major: number): boolean {
  const own = majorOf(known(facts, 'ios') ?? '')
  return own !== undefined && own < major
}

/** Unless it is known that there is nothing newer for this model. */
function canUpdate(facts: Facts): boolean {
  if (reading(facts, 'newestIos').kind === 'absent') return false
  const newest = known(facts, 'newestIos')?.version
  const ios = known(facts, 'ios')
  return newest === undefined || ios === undefined || compareVersions(ios, newest) !== 0
}

function isNo(facts: Facts, name: FactName): boolean {
  return known(facts, name) === false
}
