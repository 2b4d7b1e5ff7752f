import { utf8 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { PlistReal } from '../../plist/index.ts'
import { secondsSince2001 } from '../apple-time.ts'
import { batteryValues, type Condition, isPasswordProtected } from '../condition/index.ts'
import type { Identity } from '../identity/identity.ts'
import { traitsOf } from '../personality/index.ts'
import { uuidOf } from '../uuid-of.ts'
import { type LockdownValue, LockdownValues } from './values.ts'

interface InitialOptions {
  readonly identity: Identity
  readonly publicKeyPem: string
  /** What the phone's files take now. */
  readonly contentsBytes: () => number
  readonly condition: Condition
  readonly clock: Clock
}

type Domain = { readonly [key: string]: LockdownValue }

/**
 * What lockdownd of a phone in everyday use tells: on Wi-Fi, backed up to iCloud last night. What its condition decides is
 * looked up whenever somebody asks. Source: docs/protocol/lockdown.md#values
 */
export function createInitialValues(options: InitialOptions): LockdownValues {
  const { identity, condition } = options
  const values = new LockdownValues()
  const domains: { readonly [domain: string]: Domain } = {
    '': { ...hardwareValues(identity), ...stateValues(options) },
    'com.apple.disk_usage': diskUsage(options),
    'com.apple.mobile.battery': battery(condition),
    'com.apple.mobile.backup': backup(options),
    'com.apple.mobile.wireless_lockdown': wirelessLockdown(identity),
    'com.apple.international': { Language: 'en', Locale: 'en_US', Keyboard: 'en_US' },
    'com.apple.iTunes': { SupportsAirTraffic: true },
    'com.apple.mobile.iTunes': { FamilyID: 10_006, MinITunesVersion: '12.13.1', MinMacOSVersion: '14.3' },
    'com.apple.fmip': { IsAssociated: () => condition.state.isFindMyOn && condition.state.hasCloudAccount },
    'com.apple.mobile.data_sync': synced(condition),
    'com.apple.purplebuddy': setupAssistant(condition),
    'com.apple.security.mac.amfi': traitsOf(identity.productVersion).has('developer-mode')
      ? { DeveloperModeStatus: false }
      : {},
  }
  for (const [domain, keys] of Object.entries(domains)) {
    for (const [key, value] of Object.entries(keys)) values.set(domain, key, value)
  }
  return values
}

function hardwareValues(identity: Identity): Domain {
  const { model } = identity
  return {
    BluetoothAddress: identity.bluetoothAddress,
    BoardId: model.boardId,
    CPUArchitecture: model.udidForm === 'sha1' ? 'arm64' : 'arm64e',
    ChipID: model.chipId,
    DeviceClass: model.deviceClass,
    DeviceColor: '1',
    DieID: identity.chipNumber,
    HardwareModel: model.hardwareModel,
    HasSiDP: true,
    MLBSerialNumber: `${identity.serialNumber}00001`,
    ModelNumber: 'MTP03',
    PartitionType: 'GUID_partition_scheme',
    ProductType: model.productType,
    ProductionSOC: true,
    RegionInfo: 'LL/A',
    SerialNumber: identity.serialNumber,
    SupportedDeviceFamilies: model.deviceClass === 'iPad' ? [1, 2] : [1],
    TelephonyCapability: model.hasTelephone,
    UniqueChipID: identity.chipNumber,
    UniqueDeviceID: identity.udid,
    WiFiAddress: identity.wifiAddress,
    ...(model.hasTelephone && telephoneValues(identity)),
  }
}

function telephoneValues(identity: Identity): Domain {
  return {
    BasebandVersion: '2.60.02',
    InternationalMobileEquipmentIdentity: identity.imei,
    MobileEquipmentIdentifier: identity.imei.slice(0, 14),
    PhoneNumber: '+1 (555) 010-0199',
    SIMStatus: 'kCTSIMSupportSIMStatusReady',
  }
}

function stateValues({ identity, publicKeyPem, condition, clock }: InitialOptions): Domain {
  const hasBootSession = traitsOf(identity.productVersion).has('boot-session-id')
  return {
    ...(hasBootSession && { BootSessionID: () => bootSessionId(identity, condition.boots) }),
    ActivationState: 'Activated',
    BuildVersion: identity.buildVersion,
    DeviceName: identity.deviceName,
    DevicePublicKey: utf8(publicKeyPem),
    HostAttached: true,
    HumanReadableProductVersionString: identity.productVersion,
    PasswordProtected: () => isPasswordProtected(condition.state),
    ProductName: identity.model.deviceClass === 'iPad' ? 'iPad OS' : 'iPhone OS',
    ProductVersion: identity.productVersion,
    ProtocolVersion: '2',
    TimeIntervalSince1970: () => new PlistReal((clock.nowMs() + condition.state.clockAheadMs) / 1000),
    TimeZone: 'UTC',
    TimeZoneOffsetFromUTC: new PlistReal(0),
    TrustedHostAttached: true,
    Uses24HourClock: true,
  }
}

/** A UUID that a phone has from one restart to the next. */
function bootSessionId({ udid }: Identity, boots: number): string {
  return uuidOf(`${udid} boot ${boots}`)
}

const GIB = 2 ** 30
const SYSTEM_BYTES = 16 * GIB
const RESERVED_BYTES = 200 * 2 ** 20

/** The smallest disk of Apple's that leaves the contents as much room again, with iOS itself beside them. */
function diskUsage({ contentsBytes, condition }: InitialOptions): Domain {
  const wanted = 2 * contentsBytes() + 32 * GIB
  const total = ([128, 256, 512, 1024, 2048, 4096].find((gib) => gib * GIB > wanted) ?? 8192) * GIB
  const free = () => condition.state.freeBytes ?? Math.max(0, total - SYSTEM_BYTES - contentsBytes())
  return {
    CalculateDiskUsage: 'OkilyDokily',
    TotalDiskCapacity: total,
    TotalSystemCapacity: SYSTEM_BYTES,
    TotalSystemAvailable: 0,
    TotalDataCapacity: total - SYSTEM_BYTES,
    TotalDataAvailable: free,
    AmountRestoreAvailable: free,
    AmountDataReserved: RESERVED_BYTES,
    AmountDataAvailable: () => Math.max(0, free() - RESERVED_BYTES),
  }
}

function battery(condition: Condition): Domain {
  const now = () => batteryValues(condition.state)
  return {
    BatteryCurrentCapacity: () => now().BatteryCurrentCapacity,
    BatteryIsCharging: () => now().BatteryIsCharging,
    ExternalChargeCapable: () => now().ExternalChargeCapable,
    ExternalConnected: () => now().ExternalConnected,
    FullyCharged: () => now().FullyCharged,
    GasGaugeCapability: true,
    HasBattery: true,
  }
}

function setupAssistant(condition: Condition): Domain {
  return {
    SetupDone: () => condition.state.isSetUp,
    SetupFinishedAllSteps: () => condition.state.isSetUp,
  }
}

/** Which accounts the kinds of data come from. Source: docs/protocol/doctor.md#what-a-phone-tells */
function synced(condition: Condition): Domain {
  const accounts = () => (condition.state.hasCloudAccount ? { AccountNames: ['iCloud'], Sources: ['iCloud'] } : {})
  return { Calendars: accounts, Contacts: accounts }
}

/** The last iCloud backup was that long before the phone was switched on. */
const LAST_NIGHT_S = 20 * 3600

/** No `WillEncrypt` as long as no password was ever set. Source: docs/protocol/lockdown.md#values (dumps of iOS 18.4.1 and 27.0.1) */
function backup({ clock, condition }: InitialOptions): Domain {
  return {
    CloudBackupEnabled: true,
    LastCloudBackupDate: secondsSince2001(clock.nowMs()) - LAST_NIGHT_S,
    LastCloudBackupTZ: 'GMT',
    RequiresEncryption: () => (condition.state.requiresEncryption ? 1 : 0),
    Version: '2.0',
  }
}

function wirelessLockdown(identity: Identity): Domain {
  return {
    BonjourFullServiceName: `${identity.wifiAddress}@fe80::1._apple-mobdev2._tcp.local.`,
    EnableWifiConnections: true,
    EnableWifiDebugging: false,
    SupportsWifi: true,
    SupportsWifiSyncing: true,
  }
}
