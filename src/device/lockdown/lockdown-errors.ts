import type { AppError } from '../../base/errors.ts'
import type { DeviceErrorCode } from '../errors.ts'
import { deviceError, notPaired } from '../errors.ts'
import { printable } from '../printable.ts'

const UNPAIRED = new Set(['InvalidHostID', 'MissingHostID', 'MissingPairRecord', 'InvalidPairRecord'])

/** The other answers a person can act on. Source: docs/protocol/lockdown.md. */
const KNOWN: { readonly [error: string]: { readonly code: DeviceErrorCode; readonly remedy: string } } = {
  PasswordProtected: {
    code: 'device.locked',
    remedy: 'Unlock the phone with its passcode, and leave it unlocked until it has answered',
  },
  EscrowLocked: { code: 'device.locked', remedy: 'Unlock the phone with its passcode, then try again' },
  DeviceLocked: { code: 'device.locked', remedy: 'Unlock the phone with its passcode, then try again' },
  UserDeniedPairing: {
    code: 'device.trust-refused',
    remedy: 'Disconnect the cable, connect it again, and tap "Trust" when the phone asks',
  },
  PairingProhibitedOverThisConnection: {
    code: 'device.needs-cable',
    remedy: 'Connect the phone with a cable: pairing is not possible over Wi-Fi',
  },
  MCProtected: {
    code: 'device.supervised',
    remedy: 'The phone is managed by an organisation that forbids pairing with computers: ask its administrator',
  },
  MCChallengeRequired: {
    code: 'device.supervised',
    remedy: 'The phone pairs only with computers of the organisation that manages it: ask its administrator',
  },
  InvalidService: {
    code: 'device.service-refused',
    remedy: 'This iOS does not offer the service: update iOS, and Phonekeep if that does not help',
  },
  ServiceProhibited: {
    code: 'device.service-refused',
    remedy: 'A profile or the kind of connection forbids this: try by cable, or ask who manages the phone',
  },
  ServiceLimit: {
    code: 'device.too-many-connections',
    remedy: 'Close other programs that use the phone; if it stays so, connect it again or restart it',
  },
}

/** What lockdownd refused, as an error. Strings not known here are shown as they are. `asking` names the request. */
export function fromLockdown(error: string, { asking }: { asking: string }): AppError<DeviceErrorCode> {
  const saw = `The phone refused ${asking}: ${printable(error)}`
  if (UNPAIRED.has(error)) return notPaired(saw)
  const known = Object.hasOwn(KNOWN, error) ? KNOWN[error] : undefined
  const remedy = 'Unlock the phone, connect it again and retry; restart it if that does not help'
  return deviceError(known?.code ?? 'device.lockdown-refused', saw, { remedy: known?.remedy ?? remedy })
}

/**
 * The same for StartSession of a paired host, where `PasswordProtected` means something else than in pairing: the phone was
 * restarted and cannot read its own pair records before it is unlocked.
 */
export function fromStartSession(error: string): AppError<DeviceErrorCode> {
  const asking = 'to start a session'
  return error === 'PasswordProtected' ? notUnlocked(error, asking) : fromLockdown(error, { asking })
}

/** For StartService, where a missing value means the same: an escrow bag was shown to a phone in that state. */
export function fromStartService(error: string, service: string): AppError<DeviceErrorCode> {
  const asking = `to start ${service}`
  const isNotUnlocked = error === 'PasswordProtected' || error === 'MissingValue'
  return isNotUnlocked ? notUnlocked(error, asking) : fromLockdown(error, { asking })
}

function notUnlocked(error: string, asking: string): AppError<DeviceErrorCode> {
  return deviceError(
    'device.not-unlocked',
    `The phone refused ${asking}: ${error}, since nobody unlocked it after its restart`,
    {
      remedy:
        'Unlock the phone once with its passcode: after a restart nothing can reach it before; then it may be locked again',
    },
  )
}
