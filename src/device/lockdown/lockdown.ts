import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { dictOf, textOf } from '../../plist/index.ts'
import { deviceError, notAnswering } from '../errors.ts'
import { ask } from '../plist-frame.ts'
import { printable, printableValue } from '../printable.ts'
import { withinTime } from '../time-limit.ts'
import { fromLockdown } from './lockdown-errors.ts'

/** The one port that every phone listens on; by mDNS a phone may name another for Wi-Fi. */
export const LOCKDOWN_PORT = 62_078
/** Free text that phones put into their logs. */
const LABEL = 'phonekeep'
const ANSWER_MS_MAX = 30_000

/** Opens a stream to a TCP port on one phone. */
export type Dial = (port: number, options: WaitOptions) => Promise<ByteChannel>

/**
 * A conversation with a phone's lockdownd, in the clear until a session is started. Phones end idle ones after some ten
 * seconds: open, ask, close. Closing without a word is normal. Source: docs/protocol/lockdown.md.
 */
export class Lockdown implements AsyncDisposable {
  readonly #clock: Clock
  #channel: ByteChannel

  constructor(channel: ByteChannel, clock: Clock) {
    this.#channel = channel
    this.#clock = clock
  }

  /** The answer as it is, an `Error` in it included. Throws `device.not-answering` after 30 s. */
  async ask(question: PlistDict & { readonly Request: string }, { signal }: WaitOptions): Promise<PlistDict> {
    const answer = await this.#inTime(signal, (signal) => ask(this.#channel, { Label: LABEL, ...question }, { signal }))
    if (answer.Request !== question.Request) {
      throw badFrame(`The phone answered ${printableValue(answer.Request)} when asked ${question.Request}`)
    }
    return answer
  }

  /** Replaces the stream by a secured one over it. */
  async secure(
    start: (channel: ByteChannel, options: WaitOptions) => Promise<ByteChannel>,
    { signal }: WaitOptions,
  ): Promise<void> {
    this.#channel = await this.#inTime(signal, (signal) => start(this.#channel, { signal }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }

  #inTime<Value>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const late = () => notAnswering('The phone', ANSWER_MS_MAX / 1000)
    return withinTime({ ms: ANSWER_MS_MAX, clock: this.#clock, late, signal }, work)
  }
}

/** Connects to lockdownd and makes sure that it is one: a phone in recovery is not. Throws `device.not-ready`. */
export async function openLockdown(
  dial: Dial,
  { clock, signal }: WaitOptions & { readonly clock: Clock },
): Promise<Lockdown> {
  await using stack = new AsyncDisposableStack()
  const lockdown = stack.use(new Lockdown(await dial(LOCKDOWN_PORT, { signal }), clock))
  const { Type, Error: error } = await lockdown.ask({ Request: 'QueryType' }, { signal })
  if (Type !== 'com.apple.mobile.lockdown') throw notReady(textOf(Type) ?? textOf(error) ?? 'something unknown')
  stack.move()
  return lockdown
}

/** What a value is called; without a domain it is one of the phone's own. */
export interface ValueName {
  readonly domain?: string
  readonly key: string
}

/** Resolves to undefined when the phone has no such value: that is an answer, not a failure. */
export async function getValue(lockdown: Lockdown, name: ValueName, options: WaitOptions): Promise<Plist | undefined> {
  const answer = await lockdown.ask({ Request: 'GetValue', ...keysOf(name) }, options)
  if (answer.Error === 'MissingValue') return undefined
  throwRefusal(answer, `the value ${showName(name)}`)
  return answer.Value
}

/** Every value of a domain, or of the phone itself; an empty dictionary when the phone knows no such domain. */
export async function getValues(
  lockdown: Lockdown,
  { domain }: { readonly domain?: string },
  options: WaitOptions,
): Promise<PlistDict> {
  const answer = await lockdown.ask({ Request: 'GetValue', ...(domain !== undefined && { Domain: domain }) }, options)
  if (answer.Error === 'MissingValue') return {}
  throwRefusal(answer, `the values of ${domain ?? 'the phone'}`)
  return dictOf(answer.Value) ?? {}
}

/** Changes a value on the phone; needs a session. */
export async function setValue(
  lockdown: Lockdown,
  { value, ...name }: ValueName & { readonly value: Plist },
  options: WaitOptions,
): Promise<void> {
  const answer = await lockdown.ask({ Request: 'SetValue', ...keysOf(name), Value: value }, options)
  throwRefusal(answer, `to change ${showName(name)}`)
}

/** Removes a value on the phone; needs a session. Missing is no failure. */
export async function removeValue(lockdown: Lockdown, name: ValueName, options: WaitOptions): Promise<void> {
  const answer = await lockdown.ask({ Request: 'RemoveValue', ...keysOf(name) }, options)
  if (answer.Error !== 'MissingValue') throwRefusal(answer, `to remove ${showName(name)}`)
}

/** Throws when the answer is a refusal: an `Error`, or before iOS 5 a `Result` of `Failure`. */
export function throwRefusal(answer: PlistDict, asking: string): void {
  const error = refusalOf(answer)
  if (error !== undefined) throw fromLockdown(error, { asking })
}

/** The refusal in an answer; undefined for a success. */
export function refusalOf(answer: PlistDict): string | undefined {
  if (answer.Error !== undefined) return textOf(answer.Error) ?? 'an unknown error'
  return answer.Result === 'Failure' ? 'Failure' : undefined
}

function keysOf({ domain, key }: ValueName): PlistDict {
  return { ...(domain !== undefined && { Domain: domain }), Key: key }
}

function showName({ domain, key }: ValueName): string {
  return domain === undefined ? key : `${domain}:${key}`
}

function notReady(saw: string): Error {
  return deviceError('device.not-ready', `The phone is not running normally: it answers as ${printable(saw)}`, {
    remedy: 'Restart the phone and wait for its home screen or lock screen',
  })
}
