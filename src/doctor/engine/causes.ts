/** Why iCloud does not back the phone up. */
export const CLOUD_CAUSES = [
  // One of the nine
  'switch-off',
  'never-set-up',
  'no-wifi',
  'weak-wifi',
  'no-power',
  'dead-cable',
  'weak-charger',
  'not-locked',
  'never-in-condition',
  'storage-full',
  'app-too-big',
  'service-outage',
  'signed-out',
  'account-wants-attention',
  'stuck',
  'settings-tangled',
  'ios-outdated',
  'ios-beta',
  'ios-too-old',
  // Beyond
  'managed',
  'screen-time',
  'restoring',
  'setup-unfinished',
  'phone-full',
  'clock-wrong',
  'low-power-mode',
  'low-data-mode',
  'filtered-network',
  'copy-damaged',
  'not-unlocked',
  'backed-off',
] as const

/** Why we have no fresh backup of our own. */
export const OWN_CAUSES = [
  'own-never-made',
  'own-overdue',
  'own-not-trusted',
  'own-trust-lost',
  'own-not-seen',
  'own-no-usbmuxd',
  'own-wifi-off',
  'own-not-unlocked',
  'own-passcode-not-given',
  'own-disk-full',
  'own-allowance-used',
  'own-phone-full',
  'own-password-unknown',
  'own-encryption-required',
  'own-repository-unreachable',
  'own-repository-locked',
  'own-repository-damaged',
  'own-repository-password',
  'own-repository-no-password',
  'own-forbidden',
  'own-clock-wrong',
  'own-interrupted',
  'own-failed',
] as const

export type CloudCause = (typeof CLOUD_CAUSES)[number]
export type OwnCause = (typeof OWN_CAUSES)[number]
export type CauseId = CloudCause | OwnCause
