import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { notAnswering } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { withinTime } from '../time-limit.ts'
import type { Mux } from '../usbmux/mux.ts'
import { listDevices, watchDevices } from '../usbmux/mux.ts'
import { openDiagnostics, requestPower, sayGoodbye } from './diagnostics.ts'

/** An old phone takes two minutes; one that installs an update, longer than anybody waits here. */
const BACK_MS_MAX = 300_000

/** `unwatched` when usbmuxd does not know the phone, so that nobody can tell when it is back. */
export type RestartOutcome = 'back' | 'not-back' | 'unwatched'

export interface RestartOptions extends WaitOptions {
  readonly mux: Mux
  /** The phone has said that it will. */
  readonly onAccepted?: () => void
}

/**
 * Restarts a phone, and waits until usbmuxd has seen it leave and come back, for five minutes at most. A phone that is back
 * has to be unlocked once before it can be backed up. Throws `device.diagnostics-refused`, and what `openService` throws.
 */
export async function restartPhone(phone: Phone, { mux, onAccepted, signal }: RestartOptions): Promise<RestartOutcome> {
  let isAccepted = false
  const ask = async (signal: AbortSignal) => {
    await askToRestart(phone, { signal })
    isAccepted = true
    onAccepted?.()
  }
  if (!(await isWatched(phone, mux, { signal }))) {
    await ask(signal)
    return 'unwatched'
  }
  const late = () => notAnswering('The phone', BACK_MS_MAX / 1000)
  try {
    await withinTime({ ms: BACK_MS_MAX, clock: phone.clock, late, signal }, (signal) =>
      untilBack(phone, { mux, ask, signal }),
    )
    return 'back'
  } catch (error) {
    if (!isAccepted || signal.aborted || !isAppError(error)) throw error
    return 'not-back'
  }
}

async function isWatched({ udid, transport }: Phone, mux: Mux, { signal }: WaitOptions): Promise<boolean> {
  try {
    const devices = await listDevices(mux, { signal })
    return devices.some((device) => device.udid === udid && device.transport === transport)
  } catch (error) {
    if (isAppError(error, 'device.no-usbmuxd')) return false
    throw error
  }
}

/** usbmuxd tells first who is there: only then the phone is asked, so that it is seen to leave. */
async function untilBack(
  { udid, transport }: Phone,
  { mux, ask, signal }: WaitOptions & { readonly mux: Mux; readonly ask: (signal: AbortSignal) => Promise<void> },
): Promise<void> {
  let state: 'not-asked' | number | 'left' = 'not-asked'
  for await (const event of watchDevices(mux, { signal })) {
    if (event.kind === 'detached' && event.deviceId === state) state = 'left'
    if (event.kind !== 'attached' || event.device.udid !== udid || event.device.transport !== transport) continue
    if (state === 'left') return
    if (state === 'not-asked') await ask(signal)
    state = event.device.deviceId
  }
}

/** The phone restarts when this host has hung up. */
async function askToRestart(phone: Phone, { signal }: WaitOptions): Promise<void> {
  await using relay = await openDiagnostics(phone, { signal })
  await requestPower(relay, 'Restart', { WaitForDisconnect: true, signal })
  try {
    await sayGoodbye(relay, { signal })
  } catch (error) {
    if (!isAppError(error, 'wire.closed')) throw error
  }
}
