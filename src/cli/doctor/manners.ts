import type { FactName, RemedyId } from '../../doctor/index.ts'

/** What a second look at the phone's screen may show otherwise once something was done. */
export const PASSING: ReadonlySet<string> = new Set<FactName>([
  'accountWantsAttention',
  'backUpNow',
  'cloudRoom',
  'cloudSwitch',
  'hasLowDataMode',
  'hasLowPowerMode',
  'hasScreenTimeLock',
  'hasVpn',
  'isSignedIn',
  'message',
  'phoneRoom',
])

/** There is nothing to do but to wait, or to turn to somebody else. */
export const PATIENT: ReadonlySet<RemedyId> = new Set<RemedyId>([
  'ask-administrator',
  'contact-apple',
  'wait-a-night',
  'wait-for-apple',
  'wait-for-restore',
])

/** What is asked about each time: nobody may find the phone locked who did not expect it. */
export const NEVER_UNASKED: ReadonlySet<RemedyId> = new Set<RemedyId>(['restart-phone'])
