export { batteryValues } from './battery.ts'
export { Condition, type ConditionChange } from './condition.ts'
export { notificationsOf } from './notifications.ts'
export { PASSCODE_SHEET_MS } from './passcode-sheet.ts'
export {
  ADAPTERS,
  type Adapter,
  type ConditionState,
  isBeforeFirstUnlock,
  isPasswordProtected,
  POWERS,
  type Power,
  REACTIONS,
  type Reaction,
} from './state.ts'
