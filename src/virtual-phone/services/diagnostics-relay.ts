import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { arrayOf, boolOf, numberOf, type Plist, type PlistDict, textOf } from '../../plist/index.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'
import type { PowerRequest, ServicePhone } from './service.ts'

/** Answers questions about battery, disk and radio, and turns the phone off. Source: docs/protocol/small-services.md#diagnostics-relay */
export async function serveDiagnosticsRelay(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  const power = await serveRequests(channel, phone, { signal })
  if (power !== undefined) phone.onPower(power)
}

/** Resolves with what the phone is to do now: at once, or when the host has gone, as it wished. */
async function serveRequests(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<PowerRequest | undefined> {
  let power: PowerRequest | undefined
  for await (const request of readRequests(channel, { signal })) {
    const name = textOf(request.Request) ?? ''
    await writePlistFrame(channel, answerDiagnostics(name, request, phone), { signal })
    power = POWER_REQUESTS.get(name) ?? power
    const isWaiting = power === undefined || (boolOf(request.WaitForDisconnect) ?? false)
    if (name === 'Goodbye' || !isWaiting) break
  }
  return power
}

const POWER_REQUESTS: ReadonlyMap<string, PowerRequest> = new Map([
  ['Restart', 'restart'],
  ['Shutdown', 'shutdown'],
  ['Sleep', 'sleep'],
])

function answerDiagnostics(name: string, request: PlistDict, phone: ServicePhone): PlistDict {
  const part = PARTS.get(name)
  if (part !== undefined) return { Status: 'Success', Diagnostics: { [name]: part(phone) } }
  if (name === 'All') return { Status: 'Success', Diagnostics: allParts(phone) }
  if (name === 'IORegistry') return answerRegistry(request, phone)
  if (name === 'MobileGestalt')
    return { Status: 'Success', Diagnostics: { MobileGestalt: answerGestalt(request, phone) } }
  return { Status: name === 'Goodbye' || POWER_REQUESTS.has(name) ? 'Success' : 'UnknownRequest' }
}

const PARTS: ReadonlyMap<string, (phone: ServicePhone) => PlistDict> = new Map([
  ['GasGauge', () => ({ CycleCount: 212, DesignCapacity: DESIGN_MAH, FullChargeCapacity: 100, Status: 'Success' })],
  ['HDMI', () => ({ Connection: 'None', Status: 'Success' })],
  ['NAND', () => ({ Status: 'Success' })],
  ['WiFi', () => ({ Active: true, Status: 'Success' })],
])

function allParts(phone: ServicePhone): PlistDict {
  return Object.fromEntries(Array.from(PARTS, ([name, part]) => [name, part(phone)]))
}

/** The one entry that hosts ask for is the battery: by its class on every model, by its name since the iPhone 8. */
function answerRegistry(request: PlistDict, phone: ServicePhone): PlistDict {
  const wanted = [textOf(request.EntryClass), textOf(request.EntryName)]
  const isBattery = wanted.includes('IOPMPowerSource') || wanted.includes('AppleSmartBattery')
  return isBattery ? { Status: 'Success', Diagnostics: { IORegistry: batteryEntry(phone) } } : { Status: 'Success' }
}

const DESIGN_MAH = 3349

/** Agrees with lockdownd's battery domain where both tell the same. */
function batteryEntry({ values }: ServicePhone): PlistDict {
  const battery = values.all('com.apple.mobile.battery')
  const percent = numberOf(battery.BatteryCurrentCapacity) ?? 0
  const isCharging = boolOf(battery.BatteryIsCharging) ?? false
  const isConnected = boolOf(battery.ExternalConnected) ?? false
  const fullMah = 3014
  return {
    AppleRawCurrentCapacity: Math.round((fullMah * percent) / 100),
    AppleRawMaxCapacity: fullMah,
    NominalChargeCapacity: fullMah,
    DesignCapacity: DESIGN_MAH,
    CurrentCapacity: percent,
    MaxCapacity: 100,
    CycleCount: 212,
    Voltage: 4120,
    Amperage: isCharging ? 1450 : -320,
    InstantAmperage: isCharging ? 1450 : -320,
    Temperature: 2980,
    IsCharging: isCharging,
    FullyCharged: boolOf(battery.FullyCharged) ?? false,
    ExternalConnected: isConnected,
    AtCriticalLevel: percent < 3,
    AtWarnLevel: percent < 10,
    ...(isConnected && { AdapterDetails: { AdapterVoltage: 9000, Current: 2220, IsWireless: false, Watts: 20 } }),
  }
}

/** iOS 17.4 took the values away, yet says Success. */
function answerGestalt(request: PlistDict, { identity, values }: ServicePhone): PlistDict {
  const [major = 0, minor = 0] = identity.productVersion.split('.').map(Number)
  if (major > 17 || (major === 17 && minor >= 4)) return { Status: 'MobileGestaltDeprecated' }
  const keys = (arrayOf(request.MobileGestaltKeys) ?? []).map(textOf)
  const known: { readonly [key: string]: Plist | undefined } = {
    PasswordConfigured: true,
    PasswordProtected: values.get('', 'PasswordProtected'),
    ProductVersion: identity.productVersion,
    SerialNumber: identity.serialNumber,
    UniqueDeviceID: identity.udid,
  }
  const answered = Object.entries(known).flatMap(([key, value]) =>
    value !== undefined && keys.includes(key) ? [[key, value] as const] : [],
  )
  return { Status: 'Success', ...Object.fromEntries(answered) }
}
