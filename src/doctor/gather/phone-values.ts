import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { getValues, type Lockdown, openLockdown, openSession, type Phone } from '../../device/index.ts'
import { dictOf, type PlistDict, textOf } from '../../plist/index.ts'
import { type Looked, unreadFrom } from './look.ts'

/** The domains of lockdownd that are looked at; the empty one is the phone's own. */
const DOMAINS = [
  '',
  'com.apple.mobile.backup',
  'com.apple.mobile.battery',
  'com.apple.disk_usage',
  'com.apple.mobile.wireless_lockdown',
  'com.apple.fmip',
  'com.apple.mobile.data_sync',
  'com.apple.purplebuddy',
  'com.apple.international',
] as const

export type Domain = (typeof DOMAINS)[number]

export interface PhoneValues {
  readonly domains: ReadonlyMap<Domain, Looked<PlistDict>>
  /** The code of the error that keeps us from a session with the phone; undefined when there is one. */
  readonly obstacle: string | undefined
}

/** Everything that lockdownd tells, in one session; to a computer that the phone does not trust, only who it is. */
export async function readPhoneValues(phone: Phone, { signal }: WaitOptions): Promise<PhoneValues> {
  try {
    await using session = await openSession(phone, { signal })
    return { domains: await readDomains(session.lockdown, phone, { signal }), obstacle: undefined }
  } catch (error) {
    signal.throwIfAborted()
    const unread = unreadFrom(error)
    if (unread.why !== 'refused' || !isAppError(error)) throw error
    const domains = new Map(DOMAINS.map((domain): [Domain, Looked<PlistDict>] => [domain, unread]))
    return { domains: domains.set('', await readPublicValues(phone, { signal })), obstacle: error.code }
  }
}

/** What a phone tells everybody. */
async function readPublicValues(phone: Phone, { signal }: WaitOptions): Promise<Looked<PlistDict>> {
  await using lockdown = await openLockdown(phone.dial, { clock: phone.clock, signal })
  return { kind: 'known', value: await getValues(lockdown, {}, { signal }), atMs: phone.clock.nowMs() }
}

/** Once the conversation has broken, nothing more is asked in it. */
async function readDomains(
  lockdown: Lockdown,
  { clock }: Phone,
  { signal }: WaitOptions,
): Promise<ReadonlyMap<Domain, Looked<PlistDict>>> {
  const domains = new Map<Domain, Looked<PlistDict>>()
  try {
    for (const domain of DOMAINS)
      domains.set(domain, parseAnswer(await ask(lockdown, domain, { signal }), domain, clock.nowMs()))
  } catch (error) {
    signal.throwIfAborted()
    const unread = unreadFrom(error)
    for (const domain of DOMAINS) if (!domains.has(domain)) domains.set(domain, unread)
  }
  return domains
}

/** Plainly, since a domain of a wrong type has to be told from none. Source: docs/protocol/lockdown.md#values */
async function ask(lockdown: Lockdown, domain: Domain, { signal }: WaitOptions): Promise<PlistDict> {
  return await lockdown.ask({ Request: 'GetValue', ...(domain !== '' && { Domain: domain }) }, { signal })
}

function parseAnswer(answer: PlistDict, domain: Domain, atMs: number): Looked<PlistDict> {
  if (answer.Error === 'MissingValue') return { kind: 'known', value: {}, atMs }
  if (answer.Error !== undefined) return { kind: 'unread', why: 'refused', note: noteOf(textOf(answer.Error)) }
  const value = dictOf(answer.Value)
  if (value === undefined) return { kind: 'unread', why: 'odd', note: `${domain || 'The phone'} is no dictionary` }
  return { kind: 'known', value, atMs }
}

/** Lockdownd's words for a refusal are names; whatever else a phone says is not passed on. */
function noteOf(error: string | undefined): string {
  return error !== undefined && /^[A-Za-z]{1,60}$/.test(error) ? error : 'an unknown error'
}
