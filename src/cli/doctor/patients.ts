import { isAppError } from '../../base/errors.ts'
import {
  lookForPhones,
  type Phone,
  type PhonesFound,
  pairAndWait,
  parseUdid,
  readBuid,
  withinTime,
} from '../../device/index.ts'
import type { Speaker } from '../../doctor/index.ts'
import type { Context } from '../context.ts'
import { noPhone } from '../errors.ts'
import { accessPhones, isSameUdid, sessionObstacle, tellProblems, UNPAIRED } from '../phones.ts'

/** A phone that is to be looked at. */
export interface Patient {
  readonly udid: string | undefined
  readonly phone: Phone | 'not-found' | 'not-meant'
  /** The code of what keeps us from reaching it. */
  readonly obstacle?: string | undefined
}

/** Nobody has a phone at hand. */
export const QUESTIONNAIRE: Patient = { udid: undefined, phone: 'not-meant' }

/** The phone with that UDID, or all that there are; else the one that we know, which is then not to be found. */
export async function findPatients(udid: string | undefined, context: Context): Promise<readonly Patient[]> {
  const access = accessPhones(context)
  const { found, obstacle } = await searchFor(udid, context)
  const seen = found === undefined ? [] : patientsOf(found)
  if (seen.length > 0) return seen
  const known = await access.store.list()
  const meant = udid === undefined ? known : [known.find((other) => isSameUdid(other, udid)) ?? parseUdid(udid)]
  return [{ udid: meant.length === 1 ? meant[0] : undefined, phone: 'not-found', obstacle }]
}

function patientsOf({ phones, refused }: PhonesFound): readonly Patient[] {
  return [
    ...phones.map((phone) => ({ udid: phone.udid, phone })),
    ...refused.map(({ udid, error }) => ({ udid, phone: 'not-found' as const, obstacle: error.code })),
  ]
}

/** A usbmuxd that is not there is part of the diagnosis. */
async function searchFor(udid: string | undefined, context: Context) {
  const { mux, ...where } = accessPhones(context)
  const isWanted = (other: string) => udid === undefined || isSameUdid(other, udid)
  try {
    const found = await lookForPhones(mux, { ...where, isWanted, signal: context.signal })
    tellProblems(found, context)
    return { found, obstacle: found.noUsbmuxd?.code }
  } catch (error) {
    context.signal.throwIfAborted()
    if (!isAppError(error) || !error.code.startsWith('device.')) throw error
    return { found: undefined, obstacle: error.code }
  }
}

/** The same phone after it has left and come back; `not-found` while it is away. */
export async function findAgain({ udid, phone }: Patient, context: Context): Promise<Patient> {
  if (phone === 'not-meant') return QUESTIONNAIRE
  const [patient] = await findPatients(udid, context)
  if (patient === undefined) throw noPhone(udid)
  return patient
}

const TRUST_MS_MAX = 120_000

/** Asks a phone on a cable that does not know this computer to trust it. Nobody has to say yes: then it is diagnosed so. */
export async function askForTrust({ phone }: Patient, speaker: Speaker, context: Context): Promise<void> {
  if (typeof phone === 'string' || phone.transport === 'wifi') return
  const obstacle = await sessionObstacle(phone, context)
  if (obstacle === undefined || !UNPAIRED.has(obstacle.code)) return
  const { clock, signal, terminal } = context
  const { mux } = accessPhones(context)
  const onWait = (waitsFor: 'dialog' | 'locked') => terminal.err(speaker.say({ key: `visit.trust.${waitsFor}` }))
  try {
    await withinTime({ ms: TRUST_MS_MAX, clock, late: () => obstacle, signal }, async (signal) => {
      await pairAndWait(phone, { systemBuid: await readBuid(mux, { signal }), onWait, signal })
    })
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
  }
}
