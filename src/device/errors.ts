import { AppError } from '../base/errors.ts'

export type DeviceErrorCode =
  | 'device.bad-address'
  | 'device.no-usbmuxd'
  | 'device.usbmuxd-refused'
  | 'device.not-answering'
  | 'device.gone'
  | 'device.port-closed'
  | 'device.not-ready'
  | 'device.bad-udid'
  | 'device.locked'
  | 'device.not-unlocked'
  | 'device.not-paired'
  | 'device.trust-refused'
  | 'device.needs-cable'
  | 'device.supervised'
  | 'device.bad-pair-record'
  | 'device.pair-record-unsafe'
  | 'device.wrong-certificate'
  | 'device.tls-failed'
  | 'device.service-refused'
  | 'device.too-many-connections'
  | 'device.lockdown-refused'
  | 'device.file-refused'
  | 'device.app-list-refused'
  | 'device.diagnostics-refused'
  | 'device.log-refused'
  | 'device.busy'
  | 'device.link-version'
  | 'device.file-unreadable'
  | 'device.asleep'
  | 'device.heartbeat-lost'
  | 'device.no-mdns'
  | 'device.service-unprotected'
  | 'device.setting-unchanged'
  | BackupErrorCode

/** Why a phone ended a backup, or another request to its backup service, by itself; see `backupError`. */
export type BackupErrorCode =
  | 'device.backup-dropped'
  | 'device.backup-failed'
  | 'device.backup-forbidden'
  | 'device.backup-icloud-restoring'
  | 'device.backup-read-failed'
  | 'device.backup-write-failed'
  | 'device.backup-no-space'
  | 'device.backup-cancelled'
  | 'device.backup-inconsistent'
  | 'device.backup-password'
  | 'device.backup-no-passcode'
  | 'device.backup-setup-unfinished'
  | 'device.phone-full'
  | 'device.find-my-on'
  | 'device.restore-failed'
  | 'device.restore-damaged'
  | 'device.restore-too-new'
  | 'device.password-wrong'
  | 'device.password-not-changed'
  | 'device.cloud-not-changed'
  | 'device.cloud-no-account'

/** An error of this room; the remedy is for the person who holds the phone. */
export function deviceError(
  code: DeviceErrorCode,
  saw: string,
  { remedy, cause }: { remedy: string; cause?: unknown },
): AppError<DeviceErrorCode> {
  return new AppError(code, saw, { remedy, cause })
}

export function notPaired(saw: string, cause?: unknown): AppError<DeviceErrorCode> {
  return deviceError('device.not-paired', saw, {
    remedy: 'Connect the phone with a cable, unlock it, pair it, and tap "Trust" on the phone',
    cause,
  })
}

export function notAnswering(who: string, seconds: number): AppError<DeviceErrorCode> {
  return deviceError('device.not-answering', `${who} did not answer within ${seconds} s`, {
    remedy: 'Disconnect the phone and connect it again; if that does not help, restart usbmuxd or the phone',
  })
}

export function deviceGone(saw: string, cause?: unknown): AppError<DeviceErrorCode> {
  return deviceError('device.gone', saw, {
    remedy: 'Connect the phone again: with its cable, or by waking it while it is on the same Wi-Fi',
    cause,
  })
}
