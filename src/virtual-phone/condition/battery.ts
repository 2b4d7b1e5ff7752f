import type { ConditionState, Power } from './state.ts'

/** What lockdownd's battery domain says where. Source: docs/protocol/lockdown.md#the-battery */
const BY_POWER: { readonly [power in Power]: Connection } = {
  battery: { isConnected: false, gives: false, charges: false },
  charging: { isConnected: true, gives: true, charges: true },
  held: { isConnected: true, gives: true, charges: false },
  'dead-cable': { isConnected: true, gives: false, charges: false },
}

interface Connection {
  readonly isConnected: boolean
  readonly gives: boolean
  readonly charges: boolean
}

/** The battery as lockdownd tells of it; go-ios needs all seven keys, with these types. */
export function batteryValues({ power, batteryPercent }: ConditionState) {
  const { isConnected, gives, charges } = BY_POWER[power]
  return {
    BatteryCurrentCapacity: batteryPercent,
    BatteryIsCharging: charges,
    ExternalChargeCapable: gives,
    ExternalConnected: isConnected,
    FullyCharged: gives && batteryPercent === 100,
    GasGaugeCapability: true,
    HasBattery: true,
  }
}
