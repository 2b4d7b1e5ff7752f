export { backupError, cloudBackupError, passwordChangeError, restoreError } from './backup/backup-errors.ts'
export type { BackupEvent, OnBackupEvent } from './backup/backup-events.ts'
export type { BackupEntry, BackupHost, BackupMove } from './backup/backup-host.ts'
export type {
  BackupOptions,
  BackupOutcome,
  BackupRefusal,
  RestoreOptions,
  RestoreRequest,
} from './backup/backup-service.ts'
export { runBackup, runRestore } from './backup/backup-service.ts'
export type { BackupSession } from './backup/backup-session.ts'
export { openBackupSession } from './backup/backup-session.ts'
export type { BackupSettings, SettingsChange } from './backup/backup-settings.ts'
export { changeEncryption, readBackupSettings, switchCloudBackup } from './backup/backup-settings.ts'
export { listenToPhone } from './backup/listen.ts'
export type { PreparedBackup, PreparedRestore } from './backup/prepare.ts'
export { prepareBackup, prepareRestore } from './backup/prepare.ts'
export { readSupervision } from './backup/supervision.ts'
export type { BackupPath } from './device-link/backup-path.ts'
export { parseBackupPath } from './device-link/backup-path.ts'
export type { BackupErrorCode, DeviceErrorCode } from './errors.ts'
export { compareIos } from './ios-version.ts'
export type { Dial, Lockdown, ValueName } from './lockdown/lockdown.ts'
export { getValue, getValues, openLockdown, removeValue, setValue } from './lockdown/lockdown.ts'
export type { Session } from './lockdown/session.ts'
export { startService, startSession } from './lockdown/session.ts'
export type { PairRecord } from './pairing/pair-record.ts'
export { encodePairRecord, parsePairRecord } from './pairing/pair-record.ts'
export type { PairRecordStore, PairRecords } from './pairing/pair-records.ts'
export { pairRecordFolder } from './pairing/pair-records.ts'
export type { PairingAnswer, PairingWait } from './pairing/pairing.ts'
export { askToPair, draftPairRecord, pairAndWait } from './pairing/pairing.ts'
export type { Phone, PhoneIdentity, PhoneSearch, PhonesFound } from './phone.ts'
export {
  findPhone,
  identityOf,
  lookForPhones,
  openService,
  openSession,
  phonesOf,
  readIdentity,
  throwObstacle,
} from './phone.ts'
export type { AfcDeviceInfo, AfcMode, AfcStat } from './services/afc.ts'
export { AFC_MODE, Afc, openAfc } from './services/afc.ts'
export type { WalkEntry, WalkOptions } from './services/afc-walk.ts'
export { walkFolder } from './services/afc-walk.ts'
export type { InstalledApp } from './services/apps.ts'
export { installedApps } from './services/apps.ts'
export type { Battery, PowerAdapter } from './services/battery.ts'
export { readBattery } from './services/battery.ts'
export { openConfiguration, readCloudConfiguration, readProfiles } from './services/configuration.ts'
export type { CrashReport } from './services/crash-reports.ts'
export { listCrashReports, openCrashReports } from './services/crash-reports.ts'
export type { DiagnosticsPart, PowerFlags, RegistryQuery } from './services/diagnostics.ts'
export {
  openDiagnostics,
  readDiagnostics,
  readGestalt,
  readRegistry,
  requestPower,
  sayGoodbye,
} from './services/diagnostics.ts'
export { whileAwake } from './services/heartbeat.ts'
export type { BrowseOptions, LookupOptions } from './services/installation-proxy.ts'
export {
  browseApps,
  lookUpApps,
  openInstallationProxy,
} from './services/installation-proxy.ts'
export type { LogFilter, LogLevel, LogLine } from './services/log-line.ts'
export { LOG_LEVELS } from './services/log-line.ts'
export { NOTIFICATIONS } from './services/notification-names.ts'
export type { NotificationProxy } from './services/notification-proxy.ts'
export {
  openInsecureNotificationProxy,
  openNotificationProxy,
} from './services/notification-proxy.ts'
export type { ArchiveLimits } from './services/os-trace-relay.ts'
export { OS_TRACE_RELAY, readLogArchive, readProcesses } from './services/os-trace-relay.ts'
export type { PhoneLog } from './services/phone-log.ts'
export { openPhoneLog } from './services/phone-log.ts'
export type { RestartOptions, RestartOutcome } from './services/restart.ts'
export { restartPhone } from './services/restart.ts'
export type { HomeScreen, HomeScreenItem, HomeScreenPage } from './services/springboard.ts'
export { openSpringboard, readHomeScreen, readIcon } from './services/springboard.ts'
export { withinTime } from './time-limit.ts'
export { parseUdid } from './udid.ts'
export type { MuxAddress } from './usbmux/address.ts'
export { DEFAULT_MUX_ADDRESS, parseMuxAddress } from './usbmux/address.ts'
export type { Mux, MuxDevice, MuxEvent } from './usbmux/mux.ts'
export { connectDevice, deletePairRecordData, listDevices, readBuid, watchDevices } from './usbmux/mux.ts'
export type { Advert } from './wifi/adverts.ts'
export type { RefusedPhone } from './wifi/find-on-wifi.ts'
export type { AdvertEvent, WatchOptions } from './wifi/watch-adverts.ts'
export { browseAdverts, watchAdverts } from './wifi/watch-adverts.ts'
export type { WifiAddress } from './wifi/wifi-address.ts'
export { formatWifiAddress } from './wifi/wifi-address.ts'
export type { WifiPlace } from './wifi/wifi-place.ts'
export { EVERY_NETWORK, parseWifiPlace } from './wifi/wifi-place.ts'
export { readWifiConnections, setWifiConnections } from './wifi/wifi-switch.ts'
