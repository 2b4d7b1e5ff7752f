import assert from 'node:assert/strict'
import { type AppError, isAppError } from '../../base/errors.ts'
import {
  type BackupEvent,
  cloudBackupError,
  type Mux,
  type Phone,
  restartPhone,
  setWifiConnections,
  switchCloudBackup,
  whileAwake,
} from '../../device/index.ts'
import type { ActionId } from '../engine.ts'

/**
 * What came of an action. What a second look showed counts, not what the phone said:
 *
 * - `done`: it is as it was meant to be.
 * - `not-seen`: the phone agreed, and nothing of it is to be seen so far.
 * - `failed`: it did not happen; the error says why.
 */
export type ActionReport =
  | { readonly outcome: 'done' | 'not-seen'; readonly error?: never }
  | { readonly outcome: 'failed'; readonly error: AppError }

export interface ActOptions {
  readonly phone: Phone
  readonly mux: Mux
  /** The words that a person has just said yes to: nothing is done without. */
  readonly consent: string
  /** Makes one of our own backups, as the caller does that. */
  readonly backUp: () => Promise<unknown>
  /** What the phone waits for meanwhile. */
  readonly onEvent: (event: BackupEvent) => void
  /** The phone has agreed to restart. */
  readonly onRestart: () => void
  readonly signal: AbortSignal
}

/** Does one of the things that we can do ourselves. Only abort, and a fault of ours, is thrown. */
export async function act(action: ActionId, options: ActOptions): Promise<ActionReport> {
  assert(options.consent.trim() !== '', 'Nothing is done without consent')
  try {
    return { outcome: (await perform(action, options)) ? 'done' : 'not-seen' }
  } catch (error) {
    options.signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return { outcome: 'failed', error }
  }
}

/** Whether a second look shows it. */
async function perform(action: ActionId, options: ActOptions): Promise<boolean> {
  const { phone, mux, backUp, onRestart, signal } = options
  switch (action) {
    case 'enable-cloud-backup':
      return await enableCloudBackup(options)
    case 'restart-phone':
      return (await restartPhone(phone, { mux, onAccepted: onRestart, signal })) === 'back'
    case 'allow-wifi-connections':
      await whileAwake(phone, { signal }, (signal) => setWifiConnections(phone, true, { signal }))
      return true
    case 'back-up-here':
      await backUp()
      return true
  }
}

/** The phone says yes before it has saved its account: its switch is read again for up to a minute. */
async function enableCloudBackup({ phone, onEvent, signal }: ActOptions): Promise<boolean> {
  const { outcome, after } = await switchCloudBackup(phone, { isOn: true, onEvent, signal })
  if (outcome.outcome === 'refused') throw cloudBackupError(outcome)
  return after.cloudBackupEnabled === true
}
