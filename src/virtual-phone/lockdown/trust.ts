/**
 * What the person in front of the phone does about a computer that asks to be trusted.
 *
 * - `trusted`: every computer is trusted at once.
 * - `dialog`: "Trust This Computer?" is on the screen until somebody answers it.
 * - `denied`: "Don't Trust" was tapped.
 * - `locked`: the phone is locked, so the dialog cannot be shown. Computers that are paired already do not notice.
 * - `beforeFirstUnlock`: after a restart, before the passcode: not even paired computers get in.
 */
export type TrustState = (typeof TRUST_STATES)[number]

export const TRUST_STATES = ['trusted', 'dialog', 'denied', 'locked', 'beforeFirstUnlock'] as const

export type TrustAnswer = 'trusted' | 'pending' | 'denied' | 'locked'

/** The trust dialog. It belongs to the phone, not to one host ID: libimobiledevice makes a new host ID for every try. */
export class Trust {
  #state: TrustState
  #pendingAnswers: number | undefined
  #pendingLeft: number | undefined
  #accepted = false
  readonly #onAccept: () => void

  /** `onAccept` is called when the person taps Trust. */
  constructor({ state, onAccept }: { state: TrustState; onAccept: () => void }) {
    this.#state = state
    this.#onAccept = onAccept
  }

  get state(): TrustState {
    return this.#state
  }

  /** With `pendingAnswers`, the dialog is accepted by itself after that many "pending" answers; without, by `accept()`. */
  set(state: TrustState, { pendingAnswers }: { pendingAnswers?: number } = {}): void {
    this.#state = state
    this.#pendingAnswers = pendingAnswers
    this.#pendingLeft = pendingAnswers
    this.#accepted = false
  }

  /** The person taps Trust: the next computer that asks is trusted. */
  accept(): void {
    this.#accepted = true
    this.#onAccept()
  }

  /** One `Pair` request. A dialog that ends in trust is shown anew for the next computer. */
  ask(): TrustAnswer {
    switch (this.#state) {
      case 'trusted':
        return 'trusted'
      case 'denied':
        return 'denied'
      case 'locked':
      case 'beforeFirstUnlock':
        return 'locked'
      case 'dialog':
        return this.#askDialog()
    }
  }

  #askDialog(): TrustAnswer {
    if (this.#accepted || this.#pendingLeft === 0) {
      this.#accepted = false
      this.#pendingLeft = this.#pendingAnswers
      return 'trusted'
    }
    if (this.#pendingLeft !== undefined) this.#pendingLeft--
    return 'pending'
  }
}
