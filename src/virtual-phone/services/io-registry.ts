import { boolOf, numberOf, type PlistDict, PlistReal, textOf } from '../../plist/index.ts'
import type { Adapter } from '../condition/index.ts'
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
    { name: 'AppleBCMWLANSkywalkInterface', classes: ['IO80211Interface'], describe: () => wifiEntry(phone) },
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
function batteryEntry({ traits, values, condition }: ServicePhone): PlistDict {
  const battery = values.all('com.apple.mobile.battery')
  const percent = numberOf(battery.BatteryCurrentCapacity) ?? 0
  const isCharging = boolOf(battery.BatteryIsCharging) ?? false
  const isConnected = boolOf(battery.ExternalConnected) ?? false
  const gives = boolOf(battery.ExternalChargeCapable) ?? isConnected
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
    ExternalChargeCapable: gives,
    AtCriticalLevel: percent < 3,
    AtWarnLevel: percent < 10,
    ...(isConnected && { AdapterDetails: gives ? ADAPTER_DETAILS[condition.state.adapter] : UNRECOGNIZED }),
  }
}

/** Source: docs/protocol/small-services.md#io-registry */
const ADAPTER_DETAILS: { readonly [Name in Adapter]: PlistDict } = {
  'pd charger': adapterOf('pd charger', { watts: 20, milliamperes: 2220, millivolts: 9000 }),
  'usb brick': adapterOf('usb brick', { watts: 5, milliamperes: 1000, millivolts: 5000 }),
  'usb host': adapterOf('usb host', { watts: 2.5, milliamperes: 500, millivolts: 5000 }),
}

/** A cable that is in, and whose other end the phone does not know. */
const UNRECOGNIZED: PlistDict = { FamilyCode: 0, IsWireless: false }

function adapterOf(
  description: Adapter,
  { watts, milliamperes, millivolts }: { watts: number; milliamperes: number; millivolts: number },
): PlistDict {
  const Watts = Number.isInteger(watts) ? watts : new PlistReal(watts)
  return {
    Description: description,
    Watts,
    Current: milliamperes,
    AdapterVoltage: millivolts,
    FamilyCode: -536_854_528,
    IsWireless: false,
  }
}

/** Joined to a network whose name newer versions do not tell; without one there is no channel. */
function wifiEntry({ condition }: ServicePhone): PlistDict {
  if (!condition.state.isOnWifi) return { IOLinkStatus: 1 }
  return { IO80211Channel: 36, IO80211CountryCode: 'US', IO80211RSNDone: true, IOLinkStatus: 3 }
}
