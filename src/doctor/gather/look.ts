import type { Clock } from '../../base/clock.ts'
import { AppError, isAppError, isSystemError } from '../../base/errors.ts'
import { withinTime } from '../../device/index.ts'
import type { UnreadReason } from '../engine.ts'
import { FeedFailure } from '../feeds/fetch-document.ts'

/** Where the doctor looks. */
export const PLACES = [
  'values',
  'battery',
  'apps',
  'management',
  'wifi',
  'services',
  'updates',
  'repository',
  'backup',
] as const

export type Place = (typeof PLACES)[number]

/** What one look came to. */
export type Looked<Value> = { readonly kind: 'known'; readonly value: Value; readonly atMs: number } | Unread

export interface Unread {
  readonly kind: 'unread'
  readonly why: UnreadReason
  /** The code of an error, or what was odd; never a name, number or address. */
  readonly note?: string
}

/** What a look tells about itself while it is taken. */
export interface LookEvent {
  readonly place: Place
  readonly state: 'begun' | 'read' | 'unread'
}

export type OnLook = (event: LookEvent) => void

export interface LookOptions {
  readonly clock: Clock
  readonly msMax: number
  readonly onLook?: OnLook | undefined
  readonly signal: AbortSignal
}

/** Looks at one place. What goes wrong there is the answer; only abort, and a fault of ours, is thrown. */
export async function look<Value>(
  place: Place,
  { clock, msMax, onLook, signal }: LookOptions,
  read: (signal: AbortSignal) => Promise<Value>,
): Promise<Looked<Value>> {
  onLook?.({ place, state: 'begun' })
  const looked = await answerOf({ clock, msMax, signal }, read)
  onLook?.({ place, state: looked.kind === 'known' ? 'read' : 'unread' })
  return looked
}

async function answerOf<Value>(
  { clock, msMax, signal }: LookOptions,
  read: (signal: AbortSignal) => Promise<Value>,
): Promise<Looked<Value>> {
  try {
    const value = await withinTime({ ms: msMax, clock, late: () => tooSlow(msMax), signal }, read)
    return { kind: 'known', value, atMs: clock.nowMs() }
  } catch (error) {
    signal.throwIfAborted()
    return unreadFrom(error)
  }
}

const TOO_SLOW = 'doctor.too-slow'

/** Stands for a wait that was too long; it never leaves this room. */
export function tooSlow(ms: number): AppError {
  return new AppError(TOO_SLOW, `No answer within ${ms / 1000} s`, { remedy: 'Look again' })
}

/** The phone said no, which is an answer of it. */
const REFUSED: ReadonlySet<string> = new Set([
  'device.app-list-refused',
  'device.bad-pair-record',
  'device.diagnostics-refused',
  'device.locked',
  'device.lockdown-refused',
  'device.log-refused',
  'device.not-paired',
  'device.not-unlocked',
  'device.pair-record-unsafe',
  'device.service-refused',
  'device.service-unprotected',
  'device.supervised',
  'device.trust-refused',
  'device.wrong-certificate',
])

/** The answer means nothing; so does what is stored, when it is damaged. */
const ODD: ReadonlySet<string> = new Set(['plist.malformed', 'plist.too-big', 'wire.bad-frame'])

/** Why nothing is known after this error; throws what is a fault of ours. */
export function unreadFrom(error: unknown): Unread {
  if (error instanceof FeedFailure) return { kind: 'unread', why: error.why, note: error.note }
  if (isAppError(error)) return { kind: 'unread', why: reasonOf(error.code), note: error.code }
  if (isSystemError(error)) return { kind: 'unread', why: 'link', note: error.code ?? 'unknown' }
  throw error
}

function reasonOf(code: string): UnreadReason {
  if (REFUSED.has(code)) return 'refused'
  return ODD.has(code) || /^(backup-set|repo)\./.test(code) ? 'odd' : 'link'
}
