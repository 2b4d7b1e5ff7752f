import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { boolOf, dictOf, numberOf, signedOf, textOf } from '../../plist/index.ts'
import { known } from '../known.ts'
import type { RegistryQuery } from './diagnostics.ts'
import { readRegistry } from './diagnostics.ts'

/** A battery as its driver sees it. Every key is missing on some model. */
export interface Battery {
  readonly percent?: number
  readonly isCharging?: boolean
  readonly isFull?: boolean
  /** May be false while a charge limit holds the current back: then there still is an adapter. */
  readonly isOnPower?: boolean
  /** What is plugged in could charge; false with a broken cable. */
  readonly canCharge?: boolean
  readonly isLow?: boolean
  readonly isCritical?: boolean
  readonly cycles?: number
  /** What a full charge holds now, of what it held when new: 0 to 1, or a little more. */
  readonly health?: number
  readonly designMilliampereHours?: number
  readonly fullMilliampereHours?: number
  readonly celsius?: number
  readonly millivolts?: number
  /** Negative while discharging. */
  readonly milliamperes?: number
  readonly adapter?: PowerAdapter
}

/** What the phone is plugged into. */
export interface PowerAdapter {
  /** Apple's word, such as `usb host` (a computer, slow), `usb brick` or `pd charger`. */
  readonly description?: string
  readonly watts?: number
  readonly millivolts?: number
  /** The most it offers. */
  readonly milliamperes?: number
  readonly isWireless?: boolean
  /** 0 when the phone does not recognise what is plugged in. */
  readonly familyCode?: number
}

/** By class on every model; by name, the iPhone 8 and later, then those before. */
const PLACES: readonly RegistryQuery[] = [
  { EntryClass: 'IOPMPowerSource' },
  { EntryName: 'AppleSmartBattery' },
  { EntryName: 'AppleARMPMUCharger' },
]

/**
 * The battery, from the phone's registry of drivers; empty where it has none.
 * Source: docs/protocol/small-services.md#diagnostics-relay
 */
export async function readBattery(channel: ByteChannel, { signal }: WaitOptions): Promise<Battery> {
  for (const place of PLACES) {
    const entry = await readRegistry(channel, place, { signal })
    if (Object.keys(entry).length > 0) return batteryOf(entry)
  }
  return {}
}

/** A registry entry as a battery. Phones from iOS 27 on keep the capacities in a dictionary of their own. */
export function batteryOf(entry: PlistDict): Battery {
  const inside = dictOf(entry.BatteryData)
  const number = (key: string) => numberOf(entry[key]) ?? numberOf(inside?.[key])
  const design = number('DesignCapacity')
  const full = number('NominalChargeCapacity') ?? number('AppleRawMaxCapacity') ?? numberOf(inside?.FullChargeCapacity)
  return known<Battery>({
    percent: number('CurrentCapacity'),
    isCharging: boolOf(entry.IsCharging),
    isFull: boolOf(entry.FullyCharged),
    isOnPower: boolOf(entry.ExternalConnected),
    canCharge: boolOf(entry.ExternalChargeCapable),
    isLow: boolOf(entry.AtWarnLevel),
    isCritical: boolOf(entry.AtCriticalLevel),
    cycles: number('CycleCount'),
    health: full !== undefined && design !== undefined && design > 0 ? full / design : undefined,
    designMilliampereHours: design,
    fullMilliampereHours: full,
    celsius: hundredths(number('Temperature')),
    millivolts: number('Voltage'),
    milliamperes: signedOf(entry.InstantAmperage ?? entry.Amperage),
    adapter: adapterOf(entry.AdapterDetails),
  })
}

function adapterOf(value: Plist | undefined): PowerAdapter | undefined {
  const details = dictOf(value)
  if (details === undefined) return undefined
  return known<PowerAdapter>({
    description: textOf(details.Description),
    watts: numberOf(details.Watts),
    millivolts: numberOf(details.AdapterVoltage) ?? numberOf(details.Voltage),
    milliamperes: signedOf(details.Current),
    isWireless: boolOf(details.IsWireless),
    familyCode: signedOf(details.FamilyCode),
  })
}

function hundredths(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 100
}
