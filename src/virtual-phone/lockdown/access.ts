/** Values without a domain that lockdownd tells before a session. Source: docs/protocol/lockdown.md#values */
const PUBLIC_KEYS: ReadonlySet<string> = new Set([
  'BasebandCertId',
  'BasebandKeyHashInformation',
  'BasebandSerialNumber',
  'BasebandVersion',
  'BoardId',
  'BuildVersion',
  'CPUArchitecture',
  'ChipID',
  'DeviceClass',
  'DeviceColor',
  'DeviceName',
  'DevicePublicKey',
  'DieID',
  'HardwareModel',
  'HasSiDP',
  'PartitionType',
  'ProductName',
  'ProductType',
  'ProductVersion',
  'ProductionSOC',
  'ProtocolVersion',
  'SupportedDeviceFamilies',
  'TelephonyCapability',
  'UniqueChipID',
  'UniqueDeviceID',
  'WiFiAddress',
])

const PUBLIC_ITUNES_KEYS: ReadonlySet<string> = new Set(['FamilyID', 'MinITunesVersion', 'MinMacOSVersion'])

/** May a computer that has no session read this value? */
export function isPublic(domain: string, key: string): boolean {
  if (domain === '') return PUBLIC_KEYS.has(key)
  return domain === 'com.apple.mobile.iTunes' && PUBLIC_ITUNES_KEYS.has(key)
}

/** Values without a domain that a paired computer may change; what the phone is made of is not among them. */
const SETTABLE_KEYS: ReadonlySet<string> = new Set(['DeviceName', 'TimeZone', 'Uses24HourClock', 'UntrustedHostBUID'])

/** What the phone measures or decides by itself. */
const FIXED_DOMAINS: ReadonlySet<string> = new Set([
  'com.apple.disk_usage',
  'com.apple.disk_usage.factory',
  'com.apple.mobile.backup',
  'com.apple.mobile.battery',
])

/** May a computer with a session change this value? */
export function isSettable(domain: string, key: string): boolean {
  return domain === '' ? SETTABLE_KEYS.has(key) : !FIXED_DOMAINS.has(domain)
}

/** The one value that usbmuxd writes before there is a session, to make itself known. */
export function isSettableByAnyone(domain: string, key: string): boolean {
  return domain === '' && key === 'UntrustedHostBUID'
}

/** Services that wait for the passcode. Source: docs/protocol/lockdown.md#before-the-first-unlock */
const PROTECTED_SERVICES: ReadonlySet<string> = new Set([
  'com.apple.afc',
  'com.apple.crashreportcopymobile',
  'com.apple.mobile.diagnostics_relay',
  'com.apple.mobile.house_arrest',
  'com.apple.mobilebackup2',
  'com.apple.os_trace_relay',
  'com.apple.syslog_relay',
])

/** Can this service be started only once the phone was unlocked? */
export function needsFirstUnlock(service: string): boolean {
  return PROTECTED_SERVICES.has(service)
}
