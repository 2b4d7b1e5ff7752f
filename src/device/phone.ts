import type { ByteChannel, WaitOptions } from '../base/channel.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { PlistDict } from '../plist/index.ts'
import { textOf } from '../plist/index.ts'
import { deviceGone, notAnswering, notPaired } from './errors.ts'
import { known } from './known.ts'
import type { Dial } from './lockdown/lockdown.ts'
import { getValues, openLockdown } from './lockdown/lockdown.ts'
import type { Session } from './lockdown/session.ts'
import { startService, startSession } from './lockdown/session.ts'
import type { PairRecordStore, PairRecords } from './pairing/pair-records.ts'
import { damagedRecords, pairRecordsOf } from './pairing/pair-records.ts'
import { withinTime } from './time-limit.ts'
import type { Mux, MuxDevice } from './usbmux/mux.ts'
import { connectDevice, listDevices } from './usbmux/mux.ts'
import type { FoundOnWifi } from './wifi/find-on-wifi.ts'
import { findOnWifi } from './wifi/find-on-wifi.ts'
import type { WifiPlace } from './wifi/wifi-place.ts'

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

/** Where phones are looked for, beside usbmuxd. */
export interface PhoneSearch extends WaitOptions {
  readonly store: PairRecordStore
  /** Left out: phones on Wi-Fi are found only as far as usbmuxd knows them. */
  readonly wifi?: WifiPlace | undefined
}

/** Phones that can be reached now, and what stood in the way of others. */
export interface PhonesFound extends FoundOnWifi {
  /** Why usbmuxd could not be asked; undefined when it answered. */
  readonly noUsbmuxd: AppError | undefined
}

/**
 * Looks for phones, by way of usbmuxd and on Wi-Fi; each counts once, by cable where there is one. With `isAnyEnough` the
 * Wi-Fi is looked at only when usbmuxd has none that is wanted: a cable never waits for it. A usbmuxd that is not there is an
 * answer when there is Wi-Fi to look at, and an error otherwise.
 */
export async function lookForPhones(
  mux: Mux,
  {
    store,
    wifi,
    signal,
    isWanted = () => true,
    isAnyEnough = false,
  }: PhoneSearch & { readonly isWanted?: (udid: string) => boolean; readonly isAnyEnough?: boolean },
): Promise<PhonesFound> {
  const { phones, noUsbmuxd } = await askUsbmuxd(mux, { store, signal })
  if (noUsbmuxd !== undefined && wifi === undefined) throw noUsbmuxd
  const near = phones.filter(({ udid }) => isWanted(udid))
  if (wifi === undefined || (isAnyEnough && near.length > 0)) {
    const problems = await damagedRecords(
      store,
      near.map(({ udid }) => udid),
    )
    return { phones: near, refused: [], ignored: 0, problems, noUsbmuxd }
  }
  const isMissing = (udid: string) => isWanted(udid) && near.every((phone) => phone.udid !== udid)
  const found = await findOnWifi({ place: wifi, store, clock: mux.clock, isWanted: isMissing, signal })
  return { ...found, phones: [...near, ...found.phones], noUsbmuxd }
}

/** Every phone that can be reached now. Throws, when there is none, what stood in the way. */
export async function phonesOf(mux: Mux, search: PhoneSearch): Promise<readonly Phone[]> {
  const found = await lookForPhones(mux, search)
  throwObstacle(found)
  return found.phones
}

/** The phone with this UDID. Throws `device.gone` when it cannot be reached now, or why it cannot be used. */
export async function findPhone(mux: Mux, udid: string, search: PhoneSearch): Promise<Phone> {
  const isWanted = (other: string) => other === udid
  const found = await lookForPhones(mux, { ...search, isWanted, isAnyEnough: true })
  throwObstacle(found)
  const [phone] = found.phones
  if (phone === undefined) throw deviceGone(`No phone with the UDID ${udid} is connected`)
  return phone
}

/** Throws why nothing was found, if there is more to say than that nothing is there. */
export function throwObstacle({ phones, refused, noUsbmuxd }: PhonesFound): void {
  if (phones.length > 0) return
  const [first] = refused
  if (first !== undefined) throw first.error
  if (noUsbmuxd === undefined) return
  const { code, message, remedy, cause } = noUsbmuxd
  throw new AppError(code, `${message}, and no phone that is paired with this computer was found on the Wi-Fi`, {
    remedy: `${remedy}. A phone on Wi-Fi has to be awake, and paired by cable once with its Wi-Fi connections switched on`,
    cause,
  })
}

async function askUsbmuxd(mux: Mux, { store, signal }: PhoneSearch) {
  try {
    const best = new Map<string, MuxDevice>()
    for (const device of await listDevices(mux, { signal })) {
      if (device.transport === 'usb' || !best.has(device.udid)) best.set(device.udid, device)
    }
    return { phones: [...best.values()].map((device) => phoneOf(mux, device, { store })), noUsbmuxd: undefined }
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return { phones: [], noUsbmuxd: error }
  }
}

/** Asks the phone who it is, without needing to be paired. */
export async function readIdentity(phone: Phone, { signal }: WaitOptions): Promise<PhoneIdentity> {
  await using lockdown = await openLockdown(phone.dial, { clock: phone.clock, signal })
  return identityOf(phone.udid, await getValues(lockdown, {}, { signal }))
}

/** The identity in a phone's values: what a session adds is taken when it is there. */
export function identityOf(udid: string, values: PlistDict): PhoneIdentity {
  return known<PhoneIdentity>({
    udid,
    name: textOf(values.DeviceName),
    model: textOf(values.ProductType),
    ios: textOf(values.ProductVersion),
    build: textOf(values.BuildVersion),
    serialNumber: textOf(values.SerialNumber),
    phoneNumber: textOf(values.PhoneNumber),
  })
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
      await using opened = new AsyncDisposableStack()
      const session = opened.use(await startSession(dial, record, { clock, signal }))
      if (!isOurs) await pairRecords.adopt(udid, record)
      opened.move()
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

/**
 * Starts a service in a session of its own and connects to it. The caller closes the stream. Over Wi-Fi only a service that
 * proves itself with the phone's certificate is used.
 */
export async function openService(
  phone: Phone,
  service: string,
  { signal, escrowBag = false }: WaitOptions & { readonly escrowBag?: boolean },
): Promise<ByteChannel> {
  const late = () => notAnswering(`The phone's ${service}`, SERVICE_MS_MAX / 1000)
  const open = async (signal: AbortSignal) => {
    await using session = await openSession(phone, { signal })
    const isTlsNeeded = phone.transport === 'wifi'
    return await startService(session, service, { dial: phone.dial, escrowBag, isTlsNeeded, signal })
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
