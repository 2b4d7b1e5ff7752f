import { type ConditionState, isPasswordProtected } from './state.ts'

export type TrustAnswer = 'trusted' | 'pending' | 'denied' | 'locked' | 'forbidden'

interface TrustDialogOptions {
  readonly state: () => ConditionState
  /** Called when the person taps Trust. */
  readonly onAccept: () => void
}

/**
 * "Trust This Computer?" It belongs to the phone, not to one host ID: libimobiledevice makes a new host ID for every try.
 * Source: docs/protocol/lockdown.md#the-trust-dialog
 */
export class TrustDialog {
  readonly #state: () => ConditionState
  readonly #onAccept: () => void
  #isShown = false
  /** What was tapped; told to the next computer that asks, for which the dialog then is over. */
  #tapped: 'trusted' | 'denied' | undefined

  constructor({ state, onAccept }: TrustDialogOptions) {
    this.#state = state
    this.#onAccept = onAccept
  }

  /** A computer has asked, and nobody has answered. */
  get isShown(): boolean {
    return this.#isShown
  }

  /**
   * The person taps Trust, and types the passcode if there is one: the right one unless given. False, and the dialog stays, if it
   * was wrong; false, too, without a dialog.
   */
  accept({ passcode = this.#state().passcode }: { passcode?: string | undefined } = {}): boolean {
    if (!this.#isShown || passcode !== this.#state().passcode) return false
    this.#answer('trusted')
    this.#onAccept()
    return true
  }

  /** The person taps Don't Trust. Nothing happens without a dialog. */
  refuse(): void {
    if (this.#isShown) this.#answer('denied')
  }

  #answer(tapped: 'trusted' | 'denied'): void {
    this.#tapped = tapped
    this.#isShown = false
  }

  /** One `Pair` request. A phone that is not set up trusts without asking. */
  ask(): TrustAnswer {
    const state = this.#state()
    if (state.forbidsPairing) return 'forbidden'
    if (isPasswordProtected(state)) return 'locked'
    if (!state.isSetUp || state.trust === 'accept') return 'trusted'
    if (state.trust === 'refuse') return 'denied'
    const tapped = this.#tapped
    this.#tapped = undefined
    this.#isShown = tapped === undefined
    return tapped ?? 'pending'
  }
}
