import type { FactName } from './facts.ts'
import type { QuestionId } from './questions.ts'

/** What the answer to each question tells. */
export const QUESTION_FACTS = {
  'storage-room': 'cloudRoom',
  'message-on-phone': 'message',
  'account-badge': 'accountWantsAttention',
  'signed-in': 'isSignedIn',
  'charges-at-night': 'chargesAtNight',
  'locked-at-night': 'locksAtNight',
  'wifi-at-night': 'wifiAtNight',
  'low-power-mode': 'hasLowPowerMode',
  'low-data-mode': 'hasLowDataMode',
  vpn: 'hasVpn',
  'screen-time': 'hasScreenTimeLock',
  'data-protection': 'hasAdvancedDataProtection',
  'has-passcode': 'hasPasscode',
  'device-class': 'deviceClass',
  model: 'model',
  ios: 'ios',
  switch: 'cloudSwitch',
  'last-backup': 'cloudLastMs',
  'phone-room': 'phoneRoom',
  managed: 'management',
  'backup-now-result': 'backUpNow',
} as const satisfies Readonly<Record<QuestionId, FactName>>
