/**
 * Waits for a promise, or for the signal, whichever comes first; then rejects with the signal's reason. The work behind the
 * promise goes on: use it only where nothing can be cancelled, or where the owner is being closed anyway.
 */
export async function orAbort<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  if (signal.aborted) {
    work.catch(() => undefined)
    throw signal.reason
  }
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** A signal that never fires, for callers who have nothing to abort with. */
export const NEVER: AbortSignal = new AbortController().signal
