/**
 * Names that phones post, or take from hosts. Any other name can be observed too: Darwin notifications in general are relayed.
 * A name comes without a value, so whoever hears one asks again. Source: docs/protocol/small-services.md#notification-proxy
 */
export const NOTIFICATIONS = {
  /** Posted by hosts around a backup or sync, in this order. */
  syncWillStart: 'com.apple.itunes-mobdev.syncWillStart',
  syncLockRequest: 'com.apple.itunes-mobdev.syncLockRequest',
  syncDidStart: 'com.apple.itunes-mobdev.syncDidStart',
  syncDidFinish: 'com.apple.itunes-mobdev.syncDidFinish',
  /** The person tapped cancel on the phone: the host must stop the backup. */
  syncCancelRequest: 'com.apple.itunes-client.syncCancelRequest',
  syncSuspendRequest: 'com.apple.itunes-client.syncSuspendRequest',
  syncResumeRequest: 'com.apple.itunes-client.syncResumeRequest',
  /** Backup settings have changed: encryption, iCloud backup, the time of the last one. */
  backupSettingsChanged: 'com.apple.mobile.backup.domain_changed',
  /** A sheet that asks for the passcode or Face ID has come up, or has gone. */
  passcodeSheetPresented: 'com.apple.LocalAuthentication.ui.presented',
  passcodeSheetDismissed: 'com.apple.LocalAuthentication.ui.dismissed',
  /** The person tapped Trust; told by the insecure proxy. */
  pairRequested: 'com.apple.mobile.lockdown.request_pair',
  hostBuidRequested: 'com.apple.mobile.lockdown.request_host_buid',
  deviceNameChanged: 'com.apple.mobile.lockdown.device_name_changed',
  diskUsageChanged: 'com.apple.mobile.lockdown.disk_usage_changed',
  timeZoneChanged: 'com.apple.mobile.lockdown.timezone_changed',
  phoneNumberChanged: 'com.apple.mobile.lockdown.phone_number_changed',
  activationStateChanged: 'com.apple.mobile.lockdown.activation_state',
  trustedHostAttached: 'com.apple.mobile.lockdown.trusted_host_attached',
  hostAttached: 'com.apple.mobile.lockdown.host_attached',
  hostDetached: 'com.apple.mobile.lockdown.host_detached',
  applicationInstalled: 'com.apple.mobile.application_installed',
  applicationUninstalled: 'com.apple.mobile.application_uninstalled',
  /** The phone was locked or unlocked; which of the two is not told. */
  lockStateChanged: 'com.apple.springboard.lockstate',
  /** Follows a lock; whether current iOS still posts it is unsure. */
  lockComplete: 'com.apple.springboard.lockcomplete',
  keybagLockStatusChanged: 'com.apple.mobile.keybagd.lock_status',
  /** The charger: plugged in, another power source, another level. Whether each iOS relays them is unsure. */
  pluggedIn: 'com.apple.springboard.pluggedin',
  powerSourceChanged: 'com.apple.system.powersources.source',
  batteryPercentChanged: 'com.apple.system.powersources.percent',
  lowPowerModeChanged: 'com.apple.system.lowpowermode',
  networkChanged: 'com.apple.system.config.network_change',
  restrictionsChanged: 'com.apple.managedconfiguration.restrictionchanged',
} as const
