import assert from 'node:assert/strict'
import { Listeners } from '../listeners.ts'
import { PasscodeSheet } from './passcode-sheet.ts'
import { type ConditionState, EVERYDAY } from './state.ts'
import { TrustDialog } from './trust-dialog.ts'

export interface ConditionChange {
  readonly before: ConditionState
  readonly now: ConditionState
}

/**
 * The state a phone is in, and what the person who holds it does: the one place that lockdownd's values and errors, the
 * notifications and the backup engine's answers follow.
 */
export class Condition {
  /** Told after every change. */
  readonly changes = new Listeners<ConditionChange>()
  readonly trustDialog: TrustDialog
  readonly passcodeSheet: PasscodeSheet
  #state: ConditionState
  #boots = 1

  /** `onTrust` is called when the person taps Trust. */
  constructor(initial: Partial<ConditionState> = {}, { onTrust = () => {} }: { onTrust?: () => void } = {}) {
    this.#state = { ...EVERYDAY, ...initial }
    const state = () => this.#state
    this.trustDialog = new TrustDialog({ state, onAccept: onTrust })
    this.passcodeSheet = new PasscodeSheet({ state, onEnter: () => this.set(UNLOCKED) })
  }

  get state(): ConditionState {
    return this.#state
  }

  /** How often the phone was switched on. */
  get boots(): number {
    return this.#boots
  }

  set(change: Partial<ConditionState>): void {
    const before = this.#state
    this.#state = { ...before, ...change }
    const { batteryPercent } = this.#state
    assert(batteryPercent >= 0 && batteryPercent <= 100, `A battery is not at ${batteryPercent} %`)
    this.changes.tell({ before, now: this.#state })
  }

  lock(): void {
    this.set({ isLocked: true })
  }

  /** With the right passcode, unless another one is given. False if it was wrong. */
  unlock({ passcode = this.#state.passcode }: { passcode?: string | undefined } = {}): boolean {
    if (passcode !== this.#state.passcode) return false
    this.set(UNLOCKED)
    return true
  }

  /** Just switched on: locked, and not unlocked since. */
  boot(): void {
    this.#boots++
    this.set({ isLocked: true, isUnlockedSinceBoot: false })
  }
}

const UNLOCKED = { isLocked: false, isUnlockedSinceBoot: true } as const
