import type { Clock } from '../../base/clock.ts'
import type { OnBackupEvent } from './backup-events.ts'

/** A phone that asks for its passcode says nothing over this connection; idevicebackup2 waits as long before it hints. */
const PASSCODE_LIKELY_MS = 2000
/** The scan of the phone's files takes 10 s to many minutes. */
const QUIET_MS = 10_000
const QUIET_AGAIN_MS = 60_000

interface Silence {
  readonly clock: Clock
  readonly onEvent: OnBackupEvent | undefined
  readonly mayAskPasscode: boolean
}

/** Waits for the phone's next word and tells of the silence meanwhile, so that a person knows what it may mean. */
export async function tellingSilence<Value>(silence: Silence, wait: () => Promise<Value>): Promise<Value> {
  const heard = new AbortController()
  const telling = tell(silence, heard.signal)
  try {
    return await wait()
  } finally {
    heard.abort()
    await telling
  }
}

async function tell({ clock, onEvent, mayAskPasscode }: Silence, signal: AbortSignal): Promise<void> {
  if (onEvent === undefined) return
  const sinceMs = clock.elapsedMs()
  const untilSilentFor = (ms: number) => clock.sleep(Math.max(0, sinceMs + ms - clock.elapsedMs()), { signal })
  try {
    if (mayAskPasscode) {
      await untilSilentFor(PASSCODE_LIKELY_MS)
      onEvent({ kind: 'passcode-likely' })
    }
    for (let ms = QUIET_MS; ; ms = ms < QUIET_AGAIN_MS ? QUIET_AGAIN_MS : ms + QUIET_AGAIN_MS) {
      await untilSilentFor(ms)
      onEvent({ kind: 'quiet', ms })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
