import type { ConditionChange } from './condition.ts'

/**
 * What the phone posts when its state changes: only that something changed, never what it is now.
 * Source: docs/protocol/lockdown.md#notifications
 */
export function notificationsOf({ before, now }: ConditionChange): readonly string[] {
  const differs = (...keys: readonly (keyof typeof now)[]) => keys.some((key) => before[key] !== now[key])
  return [
    ...(differs('isLocked') ? ['com.apple.springboard.lockstate', 'com.apple.mobile.keybagd.lock_status'] : []),
    ...(differs('power') ? ['com.apple.springboard.pluggedin', 'com.apple.system.powersources.source'] : []),
    ...(differs('batteryPercent') ? ['com.apple.system.powersources.percent'] : []),
    ...(differs('freeBytes') ? ['com.apple.mobile.lockdown.disk_usage_changed'] : []),
    ...(differs('requiresEncryption') ? ['com.apple.mobile.backup.domain_changed'] : []),
    ...(differs('forbidsBackup', 'forbidsCloudBackup', 'requiresEncryption', 'forbidsPairing')
      ? ['com.apple.managedconfiguration.restrictionchanged']
      : []),
  ]
}
