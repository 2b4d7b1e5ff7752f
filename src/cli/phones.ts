import { join } from 'node:path'
import { type AppError, isAppError } from '../base/errors.ts'
import {
  DEFAULT_MUX_ADDRESS,
  lookForPhones,
  type Mux,
  openSession,
  type PairRecordStore,
  type Phone,
  type PhoneIdentity,
  type PhonesFound,
  pairAndWait,
  pairRecordFolder,
  parseMuxAddress,
  parseWifiPlace,
  readBuid,
  readIdentity,
  throwObstacle,
  type WifiPlace,
} from '../device/index.ts'
import { type Context, warner } from './context.ts'
import { noPhone, severalPhones } from './errors.ts'
import { plainText, shortened } from './words.ts'

/** Phones as this command reaches them: the usbmuxd it was told, the Wi-Fi, and our own pair records. */
export interface PhoneAccess {
  readonly mux: Mux
  readonly store: PairRecordStore
  /** Undefined: Wi-Fi is left alone. */
  readonly wifi: WifiPlace | undefined
}

export function accessPhones({ environment, clock }: Context): PhoneAccess {
  const { muxAddress, stateFolder, wifi } = environment
  const address = muxAddress === undefined ? DEFAULT_MUX_ADDRESS : parseMuxAddress(muxAddress)
  const store = pairRecordFolder(join(stateFolder, 'pair-records'))
  return { mux: { address, clock }, store, wifi: parseWifiPlace(wifi) }
}

/** The phone with that UDID, or the only one there is; one on Wi-Fi is looked for when none is on a cable. */
export async function choosePhone(access: PhoneAccess, udid: string | undefined, context: Context): Promise<Phone> {
  const isWanted = (other: string) => udid === undefined || isSameUdid(other, udid)
  const found = await lookForPhones(access.mux, { ...access, isWanted, isAnyEnough: true, signal: context.signal })
  tellProblems(found, context)
  throwObstacle(found)
  if (found.phones.length > 1) throw severalPhones(found.phones.map((phone) => phone.udid))
  const [phone] = found.phones
  if (phone === undefined) throw noPhone(udid)
  return phone
}

/** Tells what stood in the way of phones that may be there. */
export function tellProblems({ problems }: PhonesFound, context: Context): void {
  problems.forEach(warner(context))
}

/** People leave out the dash, and copy UDIDs from places that change their case. */
export function isSameUdid(left: string, right: string): boolean {
  const plain = (udid: string) => udid.replaceAll('-', '').toLowerCase()
  return plain(left) === plain(right)
}

/** The phone does not know us, or our record is of no use: pairing anew mends both. */
export const UNPAIRED: ReadonlySet<string> = new Set(['device.not-paired', 'device.bad-pair-record'])

/** True when the phone lets us in with a record that we have, or would if it could tell now (it is locked, say). */
async function isPaired(phone: Phone, context: Context): Promise<boolean> {
  return isPairedBut(await sessionObstacle(phone, context))
}

/** The same, where it is known what the phone said. */
export function isPairedBut(obstacle: AppError | undefined): boolean {
  return obstacle === undefined || !UNPAIRED.has(obstacle.code)
}

/** Why the phone does not let us in; undefined when it does. */
export async function sessionObstacle(phone: Phone, { signal }: Context): Promise<AppError | undefined> {
  try {
    await using _session = await openSession(phone, { signal })
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return error
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

/** A phone that lets this computer in. */
export interface PairedPhone {
  readonly phone: Phone
  readonly identity: PhoneIdentity
  /** What to call it in a sentence. */
  readonly name: string
  readonly access: PhoneAccess
}

/** The phone that was meant, see `choosePhone`; pairs first if that is needed. */
export async function meetPhone(udid: string | undefined, context: Context): Promise<PairedPhone> {
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const identity = await readIdentity(phone, context)
  const name = nameOf(identity)
  if (!(await isPaired(phone, context))) await pairWith(phone, name, access, context)
  return { phone, identity, name, access }
}

/** A name that somebody pasted a letter into must not push all else out of sight. */
export const NAME_CELLS_MAX = 60

/** What to call the phone in a sentence. */
export function nameOf({ name, model, udid }: PhoneIdentity): string {
  return shortened(plainText(name?.trim() || model || udid), NAME_CELLS_MAX)
}
