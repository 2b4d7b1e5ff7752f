import { concatBytes } from '../../../base/bytes.ts'
import type { Clock } from '../../../base/clock.ts'

/** One request to a server. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent as one body with its length; the pieces are not changed. */
  readonly body?: readonly Uint8Array[]
}

/** A server's answer. */
export interface HttpReply {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
  /** True when the body went on beyond the limit; the rest was not read. */
  readonly isCut: boolean
}

/** No whole answer came. `code` is what the system or the protocol called it, such as ECONNRESET. */
export class NoReply extends Error {
  readonly code: string

  constructor(code: string, sentence: string) {
    super(sentence)
    this.code = code
  }
}

export interface ExchangeOptions {
  readonly clock: Clock
  readonly replyBytesMax: number
  /** Aborting closes the connection. */
  readonly signal: AbortSignal
}

/** An exchange in which no byte moves for this long is given up; it is noticed after at most twice the time. */
export const STALL_MS = 2 * 60 * 1000

/** Sends a request and reads the answer, whatever its status; redirects are not followed. Throws `NoReply`. */
export async function exchange(
  request: HttpRequest,
  { clock, replyBytesMax, signal }: ExchangeOptions,
): Promise<HttpReply> {
  using watch = watchForStall(clock, signal)
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { 'accept-encoding': 'identity', ...request.headers },
      redirect: 'manual',
      signal: watch.signal,
      ...(request.body && uploadOf(request.body, watch.moved)),
    })
    watch.moved()
    return { status: response.status, headers: response.headers, ...(await readBody(response, replyBytesMax, watch)) }
  } catch (error) {
    signal.throwIfAborted()
    throw watch.signal.aborted ? watch.signal.reason : whyNoReply(error)
  }
}

interface StallWatch extends Disposable {
  /** The caller's, and that of the stall. */
  readonly signal: AbortSignal
  readonly moved: () => void
}

/** Looks at every interval whether anything moved since the last. */
function watchForStall(clock: Clock, signal: AbortSignal): StallWatch {
  const stalled = new AbortController()
  const over = new AbortController()
  let hasMoved = true
  const watch = async () => {
    while (hasMoved) {
      hasMoved = false
      await clock.sleep(STALL_MS, { signal: over.signal })
    }
    stalled.abort(new NoReply('stalled', 'no byte moved for 2 minutes'))
  }
  watch().catch(() => undefined)
  return {
    signal: AbortSignal.any([signal, stalled.signal]),
    moved: () => {
      hasMoved = true
    },
    [Symbol.dispose]: () => over.abort(),
  }
}

const UPLOAD_PIECE_BYTES = 256 * 1024

/** A body that is pulled as the connection takes it, so that a slow one is seen to move. */
function uploadOf(pieces: readonly Uint8Array[], moved: () => void): RequestInit {
  const parts = function* () {
    for (const piece of pieces) {
      for (let offset = 0; offset < piece.length; offset += UPLOAD_PIECE_BYTES) {
        moved()
        yield piece.subarray(offset, offset + UPLOAD_PIECE_BYTES)
      }
    }
  }
  return { body: ReadableStream.from(parts()), duplex: 'half' }
}

async function readBody(
  response: Response,
  bytesMax: number,
  { moved }: StallWatch,
): Promise<{ readonly body: Uint8Array; readonly isCut: boolean }> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    moved()
    const wanted = piece.subarray(0, bytesMax - size)
    pieces.push(wanted)
    size += wanted.length
    if (wanted.length < piece.length) return { body: concatBytes(pieces), isCut: true }
  }
  return { body: concatBytes(pieces), isCut: false }
}

/** `fetch` hides what happened in the cause of a TypeError. */
function whyNoReply(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  return new NoReply(code || 'cut', code === '' ? 'the connection was cut' : `the connection failed (${code})`)
}
