import { join } from 'node:path'
import { isAppError } from '../base/errors.ts'
import {
  DEFAULT_MUX_ADDRESS,
  type Mux,
  openSession,
  type PairRecordStore,
  type Phone,
  type PhoneIdentity,
  pairAndWait,
  pairRecordFolder,
  parseMuxAddress,
  phonesOf,
  readBuid,
  readIdentity,
} from '../device/index.ts'
import type { Context } from './context.ts'
import { noPhone, severalPhones } from './errors.ts'
import { plainText } from './words.ts'

/** Phones as this command reaches them: the usbmuxd it was told, and our own pair records. */
export interface PhoneAccess {
  readonly mux: Mux
  readonly store: PairRecordStore
}

export function accessPhones({ environment, clock }: Context): PhoneAccess {
  const { muxAddress, stateFolder } = environment
  const address = muxAddress === undefined ? DEFAULT_MUX_ADDRESS : parseMuxAddress(muxAddress)
  return { mux: { address, clock }, store: pairRecordFolder(join(stateFolder, 'pair-records')) }
}

/** The phone with that UDID, or the only one there is. */
export async function choosePhone(access: PhoneAccess, udid: string | undefined, { signal }: Context): Promise<Phone> {
  const phones = await phonesOf(access.mux, { store: access.store, signal })
  const wanted = udid === undefined ? phones : phones.filter((phone) => isSameUdid(phone.udid, udid))
  if (wanted.length > 1) throw severalPhones(wanted.map((phone) => phone.udid))
  const [phone] = wanted
  if (phone === undefined) throw noPhone(udid)
  return phone
}

/** People leave out the dash, and copy UDIDs from places that change their case. */
function isSameUdid(left: string, right: string): boolean {
  const plain = (udid: string) => udid.replaceAll('-', '').toLowerCase()
  return plain(left) === plain(right)
}

/** The phone does not know us, or our record is of no use: pairing anew mends both. */
const UNPAIRED: ReadonlySet<string> = new Set(['device.not-paired', 'device.bad-pair-record'])

/** True when the phone lets us in with a record that we have, or would if it could tell now (it is locked, say). */
export async function isPaired(phone: Phone, { signal }: Context): Promise<boolean> {
  try {
    await using _session = await openSession(phone, { signal })
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return !UNPAIRED.has(error.code)
  }
}

/** Pairs, telling the person what to do on the phone. */
export async function pairWith(phone: Phone, name: string, { mux }: PhoneAccess, context: Context): Promise<void> {
  const { terminal, signal } = context
  const systemBuid = await readBuid(mux, { signal })
  const words = {
    dialog: `Tap "Trust" on ${name} and enter its passcode.`,
    locked: `Unlock ${name}: it will then ask whether to trust this computer.`,
  }
  await pairAndWait(phone, { systemBuid, onWait: (waitsFor) => terminal.err(words[waitsFor]), signal })
}

/** What the phone says of itself, pairing first if that is needed. */
export async function introduce(phone: Phone, access: PhoneAccess, context: Context): Promise<PhoneIdentity> {
  const identity = await readIdentity(phone, context)
  if (!(await isPaired(phone, context))) await pairWith(phone, nameOf(identity), access, context)
  return identity
}

/** What to call the phone in a sentence. */
export function nameOf({ name, model, udid }: PhoneIdentity): string {
  return plainText(name?.trim() || model || udid)
}
