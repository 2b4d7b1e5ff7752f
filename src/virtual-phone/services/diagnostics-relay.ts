import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { arrayOf, boolOf, type Plist, type PlistDict, textOf } from '../../plist/index.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'
import { CYCLES, DESIGN_MAH, findInRegistry, parseRegistryQuery } from './io-registry.ts'
import type { PowerNews, PowerRequest, ServicePhone } from './service.ts'

/** Answers questions about battery, disk and radio, and turns the phone off. Source: docs/protocol/small-services.md#diagnostics-relay */
export async function serveDiagnosticsRelay(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  const power = await serveRequests(channel, phone, { signal })
  if (power !== undefined) phone.power.tell(power)
}

/** Resolves with what the phone is to do now: at once, or when the host has gone, as it wished. */
async function serveRequests(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<PowerNews | undefined> {
  let power: PowerNews | undefined
  for await (const request of readRequests(channel, { signal })) {
    const name = textOf(request.Request) ?? ''
    await writePlistFrame(channel, answerDiagnostics(name, request, phone), { signal })
    power = parsePower(name, request) ?? power
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

function parsePower(name: string, request: PlistDict): PowerNews | undefined {
  const what = POWER_REQUESTS.get(name)
  const flag = (key: string) => boolOf(request[key]) ?? false
  return what && { what, displayPass: flag('DisplayPass'), displayFail: flag('DisplayFail') }
}

function answerDiagnostics(name: string, request: PlistDict, phone: ServicePhone): PlistDict {
  const part = PARTS.get(name)
  if (part !== undefined) return { Status: 'Success', Diagnostics: { [name]: part(phone) } }
  if (name === 'All') return { Status: 'Success', Diagnostics: allParts(phone) }
  if (name === 'IORegistry') return answerRegistry(request, phone)
  if (name === 'MobileGestalt')
    return { Status: 'Success', Diagnostics: { MobileGestalt: answerGestalt(request, phone) } }
  return { Status: name === 'Goodbye' || POWER_REQUESTS.has(name) ? 'Success' : 'UnknownRequest' }
}

/** WiFi says NO on a phone that is on Wi-Fi. Source: docs/protocol/small-services.md#diagnostics-relay */
const PARTS: ReadonlyMap<string, (phone: ServicePhone) => PlistDict> = new Map([
  ['GasGauge', () => ({ CycleCount: CYCLES, DesignCapacity: DESIGN_MAH, FullChargeCapacity: 100, Status: 'Success' })],
  ['HDMI', () => ({ Connection: 'None', Status: 'Success' })],
  ['NAND', () => ({ Status: 'Success' })],
  ['WiFi', () => ({ Active: 'NO', Status: 'Success' })],
])

function allParts(phone: ServicePhone): PlistDict {
  return Object.fromEntries(Array.from(PARTS, ([name, part]) => [name, part(phone)]))
}

function answerRegistry(request: PlistDict, phone: ServicePhone): PlistDict {
  const found = findInRegistry(parseRegistryQuery(request), phone)
  return found === undefined ? { Status: 'Success' } : { Status: 'Success', Diagnostics: { IORegistry: found } }
}

/** Newer versions took the values away, yet say Success. */
function answerGestalt(request: PlistDict, { identity, values, condition, traits }: ServicePhone): PlistDict {
  if (traits.has('no-mobile-gestalt')) return { Status: 'MobileGestaltDeprecated' }
  const keys = (arrayOf(request.MobileGestaltKeys) ?? []).map(textOf)
  const known: { readonly [key: string]: Plist | undefined } = {
    PasswordConfigured: condition.state.passcode !== undefined,
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
