export { batteryValues } from './battery.ts'
export { Condition, type ConditionChange } from './condition.ts'
export { notificationsOf } from './notifications.ts'
export { PASSCODE_SHEET_MS, type PasscodeAnswer } from './passcode-sheet.ts'
export {
  type ConditionState,
  EVERYDAY,
  isBeforeFirstUnlock,
  isPasswordProtected,
  POWERS,
  type Power,
  REACTIONS,
  type Reaction,
} from './state.ts'
export type { TrustAnswer } from './trust-dialog.ts'
