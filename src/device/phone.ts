import type { ByteChannel, WaitOptions } from '../base/channel.ts'
import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { PlistDict } from '../plist/index.ts'
import { textOf } from '../plist/index.ts'
import { deviceGone, notAnswering, notPaired } from './errors.ts'
import type { Dial } from './lockdown/lockdown.ts'
import { getValues, openLockdown } from './lockdown/lockdown.ts'
import type { Session } from './lockdown/session.ts'
import { startService, startSession } from './lockdown/session.ts'
import type { PairRecordStore, PairRecords } from './pairing/pair-records.ts'
import { pairRecordsOf } from './pairing/pair-records.ts'
import { withinTime } from './time-limit.ts'
import type { Mux, MuxDevice } from './usbmux/mux.ts'
import { connectDevice, listDevices } from './usbmux/mux.ts'

/** A phone that can be reached now, by the best way there is. */
export interface Phone {
  readonly udid: string
  readonly transport: 'usb' | 'wifi'
  readonly dial: Dial
  readonly pairRecords: PairRecords
  readonly clock: Clock
}

/** What a phone says of itself. Without a session some phones keep all but the UDID, model and iOS to themselves. */
export interface PhoneIdentity {
  readonly udid: string
  readonly name?: string
  /** Apple's name of the model, such as `iPhone15,4`. */
  readonly model?: string
  readonly ios?: string
  readonly build?: string
  readonly serialNumber?: string
  readonly phoneNumber?: string
}

/** The phone behind one entry of usbmuxd's list. */
export function phoneOf(mux: Mux, device: MuxDevice, { store }: { readonly store: PairRecordStore }): Phone {
  return {
    udid: device.udid,
    transport: device.transport,
    dial: (port, options) => connectDevice(mux, { deviceId: device.deviceId, port }, options),
    pairRecords: pairRecordsOf({ store, usbmuxd: { mux, deviceId: device.deviceId } }),
    clock: mux.clock,
  }
}

/** Every phone that usbmuxd knows, each once: a phone reached by cable and by Wi-Fi counts as one, by cable. */
export async function phonesOf(
  mux: Mux,
  { store, signal }: WaitOptions & { readonly store: PairRecordStore },
): Promise<readonly Phone[]> {
  const best = new Map<string, MuxDevice>()
  for (const device of await listDevices(mux, { signal })) {
    if (device.transport === 'usb' || !best.has(device.udid)) best.set(device.udid, device)
  }
  return [...best.values()].map((device) => phoneOf(mux, device, { store }))
}

/** The phone with this UDID. Throws `device.gone` when it cannot be reached now. */
export async function findPhone(
  mux: Mux,
  udid: string,
  { store, signal }: WaitOptions & { readonly store: PairRecordStore },
): Promise<Phone> {
  const phone = (await phonesOf(mux, { store, signal })).find((phone) => phone.udid === udid)
  if (phone === undefined) throw deviceGone(`No phone with the UDID ${udid} is connected`)
  return phone
}

/** Asks the phone who it is, without needing to be paired. */
export async function readIdentity(phone: Phone, { signal }: WaitOptions): Promise<PhoneIdentity> {
  await using lockdown = await openLockdown(phone.dial, { clock: phone.clock, signal })
  return identityOf(phone.udid, await getValues(lockdown, {}, { signal }))
}

/** The identity in a phone's values: what a session adds is taken when it is there. */
export function identityOf(udid: string, values: PlistDict): PhoneIdentity {
  const named = {
    name: textOf(values.DeviceName),
    model: textOf(values.ProductType),
    ios: textOf(values.ProductVersion),
    build: textOf(values.BuildVersion),
    serialNumber: textOf(values.SerialNumber),
    phoneNumber: textOf(values.PhoneNumber),
  }
  return { udid, ...withoutUndefined(named) }
}

/**
 * A fresh session with the phone, with our pair record or, when the phone does not know that, with usbmuxd's, which is then
 * kept as ours. Dispose it soon. Throws `device.not-paired` when none works; no record is ever removed for that.
 */
export async function openSession(phone: Phone, { signal }: WaitOptions): Promise<Session> {
  const { udid, dial, clock, pairRecords } = phone
  let refusal: unknown = notPaired('This computer and this phone are not paired')
  for await (const { record, isOurs } of pairRecords.candidates(udid, { signal })) {
    try {
      const session = await startSession(dial, record, { clock, signal })
      if (!isOurs) await pairRecords.adopt(udid, record)
      return session
    } catch (error) {
      if (!isAppError(error, 'device.not-paired')) throw error
      refusal = error
    }
  }
  throw refusal
}

/** Largest time a phone may take to start a service and to agree on TLS with it. */
const SERVICE_MS_MAX = 60_000
/** A phone that has too many connections open often closes some within a second or two. */
const SERVICE_TRIES = 3
const SERVICE_PAUSE_MS = 1500

/** Starts a service in a session of its own and connects to it. The caller closes the stream. */
export async function openService(
  phone: Phone,
  service: string,
  { signal, escrowBag = false }: WaitOptions & { readonly escrowBag?: boolean },
): Promise<ByteChannel> {
  const late = () => notAnswering(`The phone's ${service}`, SERVICE_MS_MAX / 1000)
  const open = async (signal: AbortSignal) => {
    await using session = await openSession(phone, { signal })
    return await startService(session, service, { dial: phone.dial, escrowBag, signal })
  }
  for (let tries = 1; ; tries++) {
    try {
      return await withinTime({ ms: SERVICE_MS_MAX, clock: phone.clock, late, signal }, open)
    } catch (error) {
      if (tries === SERVICE_TRIES || !isAppError(error, 'device.too-many-connections')) throw error
    }
    await phone.clock.sleep(SERVICE_PAUSE_MS, { signal })
  }
}

function withoutUndefined<Value>(values: { readonly [key: string]: Value | undefined }): { [key: string]: Value } {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined))
}
