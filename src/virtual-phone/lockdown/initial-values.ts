import { utf8 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { type Plist, PlistReal } from '../../plist/index.ts'
import type { Identity } from '../identity/identity.ts'
import { type LockdownValue, LockdownValues } from './values.ts'

interface InitialOptions {
  readonly identity: Identity
  readonly publicKeyPem: string
  /** What the phone's files take. */
  readonly contentsBytes: number
  readonly clock: Clock
}

type Domain = { readonly [key: string]: LockdownValue }

/**
 * What lockdownd of a phone in everyday use tells: on its charger, on Wi-Fi, backed up to iCloud last night.
 * Source: docs/protocol/lockdown.md#values
 */
export function createInitialValues(options: InitialOptions): LockdownValues {
  const values = new LockdownValues()
  const domains: { readonly [domain: string]: Domain } = {
    '': { ...hardwareValues(options.identity), ...stateValues(options) },
    'com.apple.disk_usage': diskUsage(options.contentsBytes),
    'com.apple.mobile.battery': BATTERY,
    'com.apple.mobile.backup': backup(options.clock),
    'com.apple.mobile.wireless_lockdown': wirelessLockdown(options.identity),
    'com.apple.international': { Language: 'en', Locale: 'en_US', Keyboard: 'en_US' },
    'com.apple.iTunes': { SupportsAirTraffic: true },
    'com.apple.mobile.iTunes': { FamilyID: 10_006, MinITunesVersion: '12.13.1', MinMacOSVersion: '14.3' },
    'com.apple.fmip': { IsAssociated: true },
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
    CPUArchitecture: 'arm64e',
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

function stateValues({ identity, publicKeyPem, clock }: InitialOptions): Domain {
  return {
    ActivationState: 'Activated',
    BuildVersion: identity.buildVersion,
    DeviceName: identity.deviceName,
    DevicePublicKey: utf8(publicKeyPem),
    HostAttached: true,
    HumanReadableProductVersionString: identity.productVersion,
    PasswordProtected: false,
    ProductName: identity.model.deviceClass === 'iPad' ? 'iPad OS' : 'iPhone OS',
    ProductVersion: identity.productVersion,
    ProtocolVersion: '2',
    TimeIntervalSince1970: () => new PlistReal(clock.nowMs() / 1000),
    TimeZone: 'UTC',
    TimeZoneOffsetFromUTC: new PlistReal(0),
    TrustedHostAttached: true,
    Uses24HourClock: true,
  }
}

const GIB = 2 ** 30

/** The smallest disk of Apple's that leaves the contents as much room again, with iOS itself beside them. */
function diskUsage(contentsBytes: number): Domain {
  const capacity = [128, 256, 512, 1024, 2048, 4096].find((gib) => gib * GIB > 2 * contentsBytes + 32 * GIB) ?? 8192
  const total = capacity * GIB
  const system = 16 * GIB
  return {
    TotalDiskCapacity: total,
    TotalSystemCapacity: system,
    TotalSystemAvailable: 0,
    TotalDataCapacity: total - system,
    TotalDataAvailable: Math.max(0, total - system - contentsBytes),
    AmountRestoreAvailable: Math.max(0, total - system - contentsBytes),
    AmountDataReserved: 200 * 2 ** 20,
    AmountDataAvailable: Math.max(0, total - system - contentsBytes - 200 * 2 ** 20),
  }
}

/** go-ios needs all of these, with these types. */
const BATTERY: { readonly [key: string]: Plist } = {
  BatteryCurrentCapacity: 80,
  BatteryIsCharging: true,
  ExternalChargeCapable: true,
  ExternalConnected: true,
  FullyCharged: false,
  GasGaugeCapability: true,
  HasBattery: true,
}

/** Seconds from 1970, where Unix starts to count, to 2001, where Apple does. */
const APPLE_EPOCH_S = 978_307_200

/** Source: docs/protocol/lockdown.md#values (dumps of iOS 18.4.1 and 27.0.1) */
function backup(clock: Clock): Domain {
  const lastNightS = Math.floor(clock.nowMs() / 1000) - 20 * 3600
  return {
    CloudBackupEnabled: true,
    LastCloudBackupDate: lastNightS - APPLE_EPOCH_S,
    LastCloudBackupTZ: 'GMT',
    RequiresEncryption: 0,
    Version: '2.0',
    WillEncrypt: false,
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
