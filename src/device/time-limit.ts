import type { Clock } from '../base/clock.ts'

export interface TimeLimit {
  readonly ms: number
  readonly clock: Clock
  /** The error the work is aborted with. */
  readonly late: () => Error
  readonly signal: AbortSignal
}

/** Runs work that is aborted when the time is over, or when the outer signal fires, whichever comes first. */
export async function withinTime<Value>(
  limit: TimeLimit,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const ended = new AbortController()
  const late = new AbortController()
  const timer = limit.clock.sleep(limit.ms, { signal: ended.signal }).then(
    () => late.abort(limit.late()),
    () => undefined,
  )
  try {
    return await work(AbortSignal.any([limit.signal, late.signal]))
  } finally {
    ended.abort()
    await timer
  }
}
