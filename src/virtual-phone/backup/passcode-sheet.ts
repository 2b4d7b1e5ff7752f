import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'

export type PasscodeAnswer = 'entered' | 'refused' | 'timed-out'

/** What becomes of a sheet: none appears, somebody answers at once, or it waits for `enter()` or `refuse()`. */
export type PasscodeHabit = 'no-passcode' | 'enters' | 'refuses' | 'waits'

/** A sheet nobody answers goes away. Source: docs/protocol/mobilebackup2.md#the-passcode (one observation). */
export const PASSCODE_SHEET_MS = 180_000

/** The full-screen question for the passcode, one at a time, as a person in front of the phone sees it. */
export class PasscodeSheet {
  habit: PasscodeHabit = 'no-passcode'
  #answer: ((answer: PasscodeAnswer) => void) | undefined

  get isShown(): boolean {
    return this.#answer !== undefined
  }

  enter(): void {
    this.#answer?.('entered')
  }

  refuse(): void {
    this.#answer?.('refused')
  }

  /** Shows the sheet until it is answered, or for `PASSCODE_SHEET_MS`. Abort takes it away. */
  async ask(clock: Clock, { signal }: WaitOptions): Promise<PasscodeAnswer> {
    if (this.habit === 'enters' || this.habit === 'no-passcode') return 'entered'
    if (this.habit === 'refuses') return 'refused'
    const answered = Promise.withResolvers<PasscodeAnswer>()
    const done = new AbortController()
    const waiting = AbortSignal.any([signal, done.signal])
    this.#answer?.('refused')
    this.#answer = answered.resolve
    const timeout = clock.sleep(PASSCODE_SHEET_MS, { signal: waiting }).then(() => 'timed-out' as const)
    try {
      return await Promise.race([answered.promise, timeout])
    } finally {
      if (this.#answer === answered.resolve) this.#answer = undefined
      done.abort()
      timeout.catch(() => undefined)
    }
  }
}
