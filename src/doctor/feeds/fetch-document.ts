import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isSystemError } from '../../base/errors.ts'

/** A document of somebody else's could not be had; what is known of its subject is nothing. */
export class FeedFailure extends Error {
  /** `offline`: nobody answered. `odd`: somebody did, with what is of no use. */
  readonly why: 'offline' | 'odd'
  /** The code of an error, or a few words; never an address. */
  readonly note: string

  constructor(why: FeedFailure['why'], note: string, cause?: unknown) {
    super(`${why}: ${note}`, cause === undefined ? undefined : { cause })
    this.why = why
    this.note = note
  }
}

export interface FetchOptions {
  /** What an earlier answer was marked with; the same document is then not sent again. */
  readonly etag?: string | undefined
  /** The certificate authorities for this one server; left out: those that everybody trusts. */
  readonly ca?: readonly string[] | undefined
  readonly bytesMax: number
  readonly signal: AbortSignal
}

export interface Fetched {
  /** Undefined when the document is still the one with that ETag. */
  readonly body: Uint8Array | undefined
  readonly etag: string | undefined
  /** What the server's clock says. */
  readonly serverMs: number | undefined
}

/** Gets one document, following no redirects. Throws `FeedFailure`, and the signal's reason. */
export async function fetchDocument(address: URL, options: FetchOptions): Promise<Fetched> {
  const { etag, bytesMax, signal } = options
  try {
    const response = await ask(address, options)
    try {
      const { statusCode, headers } = response
      if (statusCode !== 200 && statusCode !== 304) throw new FeedFailure('odd', `HTTP ${statusCode}`)
      const isSame = statusCode === 304 && etag !== undefined
      return {
        body: isSame ? undefined : await readBody(response, bytesMax),
        etag: headers.etag ?? (isSame ? etag : undefined),
        serverMs: parseServerTime(headers.date),
      }
    } finally {
      response.destroy()
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof FeedFailure) throw error
    throw new FeedFailure('offline', isSystemError(error) ? (error.code ?? 'unknown') : 'unknown', error)
  }
}

async function ask(address: URL, { etag, ca, signal }: FetchOptions): Promise<IncomingMessage> {
  const headers = { accept: '*/*', 'user-agent': 'phonekeep', ...(etag !== undefined && { 'if-none-match': etag }) }
  const open = address.protocol === 'https:' ? requestHttps : requestHttp
  const request = open(address, { agent: false, headers, signal, ...(ca !== undefined && { ca: [...ca] }) })
  request.end()
  const [response] = await once(request, 'response')
  // What breaks later is told by whoever reads the body.
  request.on('error', () => undefined)
  return response
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    size += piece.length
    if (size > bytesMax) throw new FeedFailure('odd', `larger than ${bytesMax} bytes`)
    pieces.push(piece)
  }
  if (!response.complete) throw new FeedFailure('offline', 'the answer broke off')
  return Buffer.concat(pieces)
}

function parseServerTime(date: string | undefined): number | undefined {
  const ms = Date.parse(date ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
