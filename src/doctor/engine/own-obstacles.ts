import type { OwnCause } from './causes.ts'
import type { Certainty } from './finding.ts'

/** What an error of ours means for our backups. */
export interface ObstacleMeaning {
  readonly cause: OwnCause
  readonly certainty: Certainty
}

/** Errors that keep us from talking to a phone. Source: docs/errors.md */
export const REACH_OBSTACLES: Readonly<Record<string, ObstacleMeaning>> = {
  'device.gone': { cause: 'own-not-seen', certainty: 'likely' },
  'device.not-answering': { cause: 'own-not-seen', certainty: 'likely' },
  'device.asleep': { cause: 'own-not-seen', certainty: 'likely' },
  'device.heartbeat-lost': { cause: 'own-not-seen', certainty: 'likely' },
  'device.not-unlocked': { cause: 'own-not-unlocked', certainty: 'certain' },
  'device.locked': { cause: 'own-not-unlocked', certainty: 'certain' },
  'device.no-usbmuxd': { cause: 'own-no-usbmuxd', certainty: 'certain' },
  'device.usbmuxd-refused': { cause: 'own-no-usbmuxd', certainty: 'certain' },
}

export const TRUST_OBSTACLES: Readonly<Record<string, ObstacleMeaning>> = {
  'device.not-paired': { cause: 'own-not-trusted', certainty: 'certain' },
  'device.trust-refused': { cause: 'own-not-trusted', certainty: 'certain' },
  'device.needs-cable': { cause: 'own-not-trusted', certainty: 'certain' },
  'device.bad-pair-record': { cause: 'own-trust-lost', certainty: 'certain' },
  'device.pair-record-unsafe': { cause: 'own-trust-lost', certainty: 'certain' },
  'device.wrong-certificate': { cause: 'own-trust-lost', certainty: 'certain' },
  'device.supervised': { cause: 'own-forbidden', certainty: 'certain' },
}

/** How a run may have ended. */
export const RUN_FAILURES: Readonly<Record<string, ObstacleMeaning>> = {
  'device.backup-no-passcode': { cause: 'own-passcode-not-given', certainty: 'certain' },
  'device.locked': { cause: 'own-not-unlocked', certainty: 'certain' },
  'device.not-unlocked': { cause: 'own-not-unlocked', certainty: 'certain' },
  'device.backup-forbidden': { cause: 'own-forbidden', certainty: 'certain' },
  'device.phone-full': { cause: 'own-phone-full', certainty: 'certain' },
  'device.backup-dropped': { cause: 'own-interrupted', certainty: 'likely' },
  'device.backup-cancelled': { cause: 'own-interrupted', certainty: 'likely' },
  'device.gone': { cause: 'own-interrupted', certainty: 'likely' },
  'device.heartbeat-lost': { cause: 'own-interrupted', certainty: 'likely' },
  'device.not-answering': { cause: 'own-interrupted', certainty: 'likely' },
  'device.asleep': { cause: 'own-interrupted', certainty: 'likely' },
  'device.busy': { cause: 'own-interrupted', certainty: 'likely' },
  'run.cancelled': { cause: 'own-interrupted', certainty: 'likely' },
  'run.unfinished': { cause: 'own-interrupted', certainty: 'likely' },
  'cli.interrupted': { cause: 'own-interrupted', certainty: 'likely' },
  'wire.closed': { cause: 'own-interrupted', certainty: 'likely' },
}

export const ROOM_FAILURES: Readonly<Record<string, ObstacleMeaning>> = {
  'device.backup-no-space': { cause: 'own-disk-full', certainty: 'certain' },
  'repo.no-space': { cause: 'own-disk-full', certainty: 'certain' },
}

export const REPOSITORY_OBSTACLES: Readonly<Record<string, ObstacleMeaning>> = {
  'repo.absent': { cause: 'own-repository-unreachable', certainty: 'certain' },
  'repo.unreachable': { cause: 'own-repository-unreachable', certainty: 'certain' },
  'repo.access-denied': { cause: 'own-repository-unreachable', certainty: 'certain' },
  'repo.untrusted-server': { cause: 'own-repository-unreachable', certainty: 'certain' },
  'repo.bad-address': { cause: 'own-repository-unreachable', certainty: 'certain' },
  'repo.storage-failed': { cause: 'own-repository-unreachable', certainty: 'likely' },
  'repo.unwritable': { cause: 'own-repository-unreachable', certainty: 'certain' },
  'repo.locked': { cause: 'own-repository-locked', certainty: 'certain' },
  'repo.lock-lost': { cause: 'own-repository-locked', certainty: 'likely' },
  'repo.damaged': { cause: 'own-repository-damaged', certainty: 'certain' },
  'repo.unreadable': { cause: 'own-repository-damaged', certainty: 'likely' },
  'cli.no-password': { cause: 'own-repository-no-password', certainty: 'certain' },
  'repo.wrong-password': { cause: 'own-repository-password', certainty: 'certain' },
  'repo.clock-wrong': { cause: 'own-clock-wrong', certainty: 'certain' },
}

export const PASSWORD_FAILURES: Readonly<Record<string, ObstacleMeaning>> = {
  'device.backup-password': { cause: 'own-password-unknown', certainty: 'certain' },
  'device.password-wrong': { cause: 'own-password-unknown', certainty: 'certain' },
}

/** The meaning of a code in one of these tables. */
export function obstacleIn(
  table: Readonly<Record<string, ObstacleMeaning>>,
  code: string | undefined,
): ObstacleMeaning | undefined {
  return code !== undefined && Object.hasOwn(table, code) ? table[code] : undefined
}
