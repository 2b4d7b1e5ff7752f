import { boolOf, numberOf, type PlistDict, textOf } from '../../plist/index.ts'
import type { ServicePhone } from './service.ts'

/** What of the registry somebody wants; an empty text is the same as none, as libimobiledevice 1.3.0 sends it. */
export interface RegistryQuery {
  readonly plane: string
  readonly name: string
  readonly entryClass: string
}

export function parseRegistryQuery(request: PlistDict): RegistryQuery {
  const text = (key: string) => textOf(request[key]) ?? ''
  return { plane: text('CurrentPlane'), name: text('EntryName'), entryClass: text('EntryClass') }
}

/**
 * An entry by name or class, or a whole plane; undefined if there is none. Of the real registry's thousands of entries there are
 * those that hosts ask for: battery and Wi-Fi. Source: docs/protocol/small-services.md#io-registry
 */
export function findInRegistry(query: RegistryQuery, phone: ServicePhone): PlistDict | undefined {
  if (query.name !== '' || query.entryClass !== '') {
    const entry = entriesOf(phone).find(
      ({ name, classes }) => name === query.name || classes.includes(query.entryClass),
    )
    return entry?.describe()
  }
  return planeOf(query.plane, phone)
}

interface RegistryEntry {
  readonly name: string
  /** Its class and those above it. */
  readonly classes: readonly string[]
  readonly describe: () => PlistDict
}

function entriesOf(phone: ServicePhone): readonly RegistryEntry[] {
  return [
    { name: batteryName(phone), classes: ['IOPMPowerSource'], describe: () => batteryEntry(phone) },
    { name: 'AppleBCMWLANSkywalkInterface', classes: ['IO80211Interface'], describe: wifiEntry },
  ]
}

/** Up to the iPhone 7 the battery goes by the charger's name; its class is the same on every model. */
function batteryName({ identity }: ServicePhone): string {
  const [, generation] = /^iPhone(\d+),/.exec(identity.model.productType) ?? []
  return generation !== undefined && Number(generation) < 10 ? 'AppleARMPMUCharger' : 'AppleSmartBattery'
}

/** The tree of a plane, with names alone. The device tree is not shown to hosts. */
function planeOf(plane: string, phone: ServicePhone): PlistDict | undefined {
  if (plane !== '' && plane !== 'IOService' && plane !== 'IOPower') return undefined
  const board = {
    IORegistryEntryName: phone.identity.model.hardwareModel,
    IORegistryEntryChildren: entriesOf(phone).map(({ name }) => ({ IORegistryEntryName: name })),
  }
  return { IORegistryEntryName: 'Root', IORegistryEntryChildren: [board] }
}

export const DESIGN_MAH = 3349
const FULL_MAH = 3014
export const CYCLES = 212

/** Agrees with lockdownd's battery domain where both tell the same. */
function batteryEntry({ traits, values }: ServicePhone): PlistDict {
  const battery = values.all('com.apple.mobile.battery')
  const percent = numberOf(battery.BatteryCurrentCapacity) ?? 0
  const isCharging = boolOf(battery.BatteryIsCharging) ?? false
  const isConnected = boolOf(battery.ExternalConnected) ?? false
  const amperage = isCharging ? 1450 : -320
  const capacities = {
    AppleRawCurrentCapacity: Math.round((FULL_MAH * percent) / 100),
    AppleRawMaxCapacity: FULL_MAH,
    NominalChargeCapacity: FULL_MAH,
    DesignCapacity: DESIGN_MAH,
  }
  return {
    ...(traits.has('nested-battery') ? { BatteryData: capacities } : capacities),
    CurrentCapacity: percent,
    MaxCapacity: 100,
    CycleCount: CYCLES,
    Voltage: 4120,
    Amperage: amperage,
    InstantAmperage: amperage,
    Temperature: 2980,
    IsCharging: isCharging,
    FullyCharged: boolOf(battery.FullyCharged) ?? false,
    ExternalConnected: isConnected,
    AtCriticalLevel: percent < 3,
    AtWarnLevel: percent < 10,
    ...(isConnected && { AdapterDetails: { AdapterVoltage: 9000, Current: 2220, IsWireless: false, Watts: 20 } }),
  }
}

/** Joined to a network whose name newer versions do not tell. */
function wifiEntry(): PlistDict {
  return { IO80211Channel: 36, IO80211CountryCode: 'US', IO80211RSNDone: true, IOLinkStatus: 3 }
}
