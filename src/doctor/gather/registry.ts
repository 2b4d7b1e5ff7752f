import type { WaitOptions } from '../../base/channel.ts'
import { type Battery, openDiagnostics, type Phone, readBattery, readRegistry, sayGoodbye } from '../../device/index.ts'
import { boolOf, numberOf, type PlistDict } from '../../plist/index.ts'
import type { Power, Reading } from '../engine.ts'
import type { Looked } from './look.ts'

/** What the drivers of the phone know: its battery, and its Wi-Fi as far as they tell. */
export interface RegistryFacts {
  readonly battery: Battery
  /** Undefined when the registry does not tell. */
  readonly isOnWifi: boolean | undefined
}

/** The newest chips last; which of them answers to what is in docs/protocol/doctor.md#wi-fi */
const WIFI_PLACES = [
  { EntryName: 'AppleBCMWLANSkywalkInterface' },
  { EntryClass: 'IO80211Interface' },
  { EntryName: 'AppleWLANInterfaceSTA' },
]

export async function readRegistryFacts(phone: Phone, { signal }: WaitOptions): Promise<RegistryFacts> {
  await using relay = await openDiagnostics(phone, { signal })
  const battery = await readBattery(relay, { signal })
  let isOnWifi: boolean | undefined
  for (const place of WIFI_PLACES) isOnWifi ??= associationOf(await readRegistry(relay, place, { signal }))
  await sayGoodbye(relay, { signal })
  return { battery, isOnWifi }
}

const LINK_IS_UP = 3

/** The name of the network is never needed: newer phones do not tell it. */
function associationOf(entry: PlistDict): boolean | undefined {
  const link = numberOf(entry.IOLinkStatus)
  if (boolOf(entry.IO80211RSNDone) === true || link === LINK_IS_UP) return true
  return link === undefined ? undefined : false
}

/** Lockdownd's word first; the registry adds what the phone is plugged into, and stands in where lockdownd says nothing. */
export function mergePower(told: Reading<Power>, registry: Looked<RegistryFacts>): Reading<Power> {
  if (registry.kind === 'unread') return told
  const { battery } = registry.value
  const adapter = adapterOf(battery)
  if (told.kind === 'known') return { ...told, value: { ...told.value, ...adapter } }
  if (battery.isOnPower === undefined) return told
  const { percent, isCharging, canCharge, isFull } = battery
  return {
    kind: 'known',
    source: 'registry',
    atMs: registry.atMs,
    value: {
      isConnected: battery.isOnPower,
      ...(percent !== undefined && { percent }),
      ...(isCharging !== undefined && { isCharging }),
      ...(canCharge !== undefined && { canCharge }),
      ...(isFull !== undefined && { isFull }),
      ...adapter,
    },
  }
}

/** Family 0 with a cable in: the phone does not know what it is; without a cable it is nothing. */
function adapterOf({ adapter, isOnPower }: Battery): Pick<Power, 'adapter'> {
  if (adapter === undefined) return {}
  const { description, watts, familyCode } = adapter
  if (familyCode === 0 && isOnPower !== true) return {}
  return {
    adapter: {
      isUnrecognized: familyCode === 0,
      ...(description !== undefined && { description }),
      ...(watts !== undefined && { watts }),
    },
  }
}
