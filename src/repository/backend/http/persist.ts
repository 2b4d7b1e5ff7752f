import type { Clock } from '../../../base/clock.ts'
import { randomBytes } from '../../../base/random.ts'

/** What failed may succeed when it is done again. */
export class TryAgain extends Error {
  /** The server asked for at least this much patience. */
  readonly waitMs: number

  constructor(sentence: string, { waitMs = 0, cause }: { waitMs?: number; cause?: unknown } = {}) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.waitMs = waitMs
  }
}

export interface PersistOptions {
  readonly clock: Clock
  /** Told once, when the trouble lasts. */
  readonly onTrouble: (trouble: TryAgain) => void
  /** Ends the waiting at once. */
  readonly signal: AbortSignal
}

const PAUSE_MS_MIN = 1000
const PAUSE_MS_MAX = 60 * 1000
/** A store that was restarted, or a line that was reset, is back by then. */
const PATIENCE_MS = 15 * 60 * 1000
/** Shorter troubles are nobody's business. */
const TOLD_AT_ATTEMPT = 4

/**
 * Does something until it does not throw `TryAgain`, with growing pauses of random length, for a quarter of an hour; then throws
 * the last one. Any other error goes through at once.
 */
export async function persist<Result>(
  attempt: () => Promise<Result>,
  { clock, onTrouble, signal }: PersistOptions,
): Promise<Result> {
  const startedMs = clock.elapsedMs()
  for (let count = 1, pauseMs = PAUSE_MS_MIN; ; count++, pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2)) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TryAgain)) throw error
      const waitMs = Math.max(error.waitMs, pauseMs * randomFraction())
      if (clock.elapsedMs() - startedMs + waitMs > PATIENCE_MS) throw error
      if (count === TOLD_AT_ATTEMPT) onTrouble(error)
      await clock.sleep(waitMs, { signal })
    }
  }
}

/** From a half to one: many clients that were cut off together do not come back together. */
function randomFraction(): number {
  return 0.5 + (randomBytes(1)[0] ?? 0) / 512
}
