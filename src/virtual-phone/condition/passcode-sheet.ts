import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { ConditionState } from './state.ts'

export type PasscodeAnswer = 'entered' | 'cancelled' | 'timed-out'

/** A sheet nobody answers goes away. Source: docs/protocol/mobilebackup2.md#the-passcode (one observation). */
export const PASSCODE_SHEET_MS = 180_000

interface PasscodeSheetOptions {
  readonly state: () => ConditionState
  /** Called when the right passcode was entered. */
  readonly onEnter: () => void
}

/** The full-screen question for the passcode, one at a time, as a person in front of the phone sees it. */
export class PasscodeSheet {
  readonly #state: () => ConditionState
  readonly #onEnter: () => void
  #answer: ((answer: PasscodeAnswer) => void) | undefined

  constructor({ state, onEnter }: PasscodeSheetOptions) {
    this.#state = state
    this.#onEnter = onEnter
  }

  get isShown(): boolean {
    return this.#answer !== undefined
  }

  /** Types a passcode, the right one unless given. False, and the sheet stays, if it was wrong; false, too, without a sheet. */
  enter(passcode: string | undefined = this.#state().passcode): boolean {
    if (this.#answer === undefined || passcode !== this.#state().passcode) return false
    this.#onEnter()
    this.#close('entered')
    return true
  }

  cancel(): void {
    this.#close('cancelled')
  }

  #close(answer: PasscodeAnswer): void {
    this.#answer?.(answer)
    this.#answer = undefined
  }

  /**
   * Shows the sheet until it is answered, or for `PASSCODE_SHEET_MS`; a second one takes the first away. Abort takes it away, too.
   * Without a passcode nothing is shown.
   */
  async ask(clock: Clock, { signal }: WaitOptions): Promise<PasscodeAnswer> {
    if (this.#state().passcode === undefined) return 'entered'
    const answered = Promise.withResolvers<PasscodeAnswer>()
    this.cancel()
    this.#answer = answered.resolve
    const done = new AbortController()
    const waiting = AbortSignal.any([signal, done.signal])
    const timeout = clock.sleep(PASSCODE_SHEET_MS, { signal: waiting }).then(() => 'timed-out' as const)
    if (this.#state().passcodePrompt === 'accept') this.enter()
    if (this.#state().passcodePrompt === 'refuse') this.cancel()
    try {
      return await Promise.race([answered.promise, timeout])
    } finally {
      if (this.#answer === answered.resolve) this.#answer = undefined
      done.abort()
      timeout.catch(() => undefined)
    }
  }
}
