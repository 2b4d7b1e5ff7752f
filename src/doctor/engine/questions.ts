/** What only the person can tell. Every question can be answered "I don't know". */
export const QUESTIONS = [
  'storage-room',
  'message-on-phone',
  'account-badge',
  'signed-in',
  'charges-at-night',
  'locked-at-night',
  'wifi-at-night',
  'low-power-mode',
  'low-data-mode',
  'vpn',
  'screen-time',
  'data-protection',
  'has-passcode',
  // Where there is no phone to ask
  'device-class',
  'model',
  'ios',
  'switch',
  'last-backup',
  'phone-room',
  'managed',
  'backup-now-result',
] as const

export type QuestionId = (typeof QUESTIONS)[number]
