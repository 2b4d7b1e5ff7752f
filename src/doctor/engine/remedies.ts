/** What we can do ourselves, on a yes. */
export const ACTIONS = ['enable-cloud-backup', 'restart-phone', 'allow-wifi-connections', 'back-up-here'] as const

/** What the person does, step by step. */
export const WALKS = [
  'turn-on-switch',
  'back-up-now',
  'wait-a-night',
  'join-wifi',
  'move-closer',
  'turn-off-vpn',
  'turn-off-low-data',
  'turn-off-low-power',
  'charge-overnight',
  'other-cable',
  'lock-at-night',
  'free-cloud-room',
  'leave-app-out',
  'delete-old-backup',
  'upgrade-plan',
  'temporary-storage',
  'wait-for-apple',
  'confirm-account',
  'sign-in',
  'sign-out-and-in',
  'restart',
  'delete-this-copy',
  'reset-network',
  'update-ios',
  'leave-beta',
  'reset-all-settings',
  'ask-administrator',
  'allow-account-changes',
  'finish-setup',
  'wait-for-restore',
  'free-phone-room',
  'set-clock',
  'set-own-clock',
  'unlock-once',
  'trust-computer',
  'connect-cable',
  'start-usbmuxd',
  /** With Finder, iTunes or the like, where we keep no backups ourselves. */
  'back-up-on-a-computer',
  'enter-passcode',
  'give-backup-password',
  'set-backup-password',
  'free-own-room',
  'raise-allowance',
  'reach-repository',
  'unlock-repository',
  'repair-repository',
  'give-repository-password',
  'contact-apple',
] as const

export type ActionId = (typeof ACTIONS)[number]
export type WalkId = (typeof WALKS)[number]
export type RemedyId = ActionId | WalkId
