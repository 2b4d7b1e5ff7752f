import { fromUtf8 } from '../../../base/bytes.ts'
import type { Clock } from '../../../base/clock.ts'
import {
  type Backend,
  type BackendOptions,
  FOLDERS,
  type HashedKind,
  type StoredFileInfo,
  type StoredName,
} from '../backend.ts'
import { HttpClient } from '../http/client.ts'
import { badAddress } from '../http/errors.ts'
import type { HttpReply, HttpRequest } from '../http/exchange.ts'
import { type Doing, type FileAsk, HttpBackend, type HttpDialect, REFUSAL_BYTES_MAX } from '../http/http-backend.ts'
import { TryAgain } from '../http/persist.ts'
import { refusalOf } from '../http/refusal.ts'
import { type RestAddress, type RestLogin, restLocation } from './address.ts'
import { parseRestListing } from './listing.ts'

/** How a REST server is spoken to. */
export interface RestOptions {
  /** Used when none stands in the address. */
  readonly login?: RestLogin | undefined
  readonly clock: Clock
  /** Told in a sentence when the server does not answer and is asked again and again. */
  readonly onTrouble?: ((sentence: string) => void) | undefined
}

/** A repository on a server that speaks restic's REST protocol. Source: docs/protocol/restic-repository.md#rest. */
export function openRestBackend(address: RestAddress, options: RestOptions): Backend {
  return new HttpBackend(new RestDialect(address, options), new HttpClient(restLocation(address), options))
}

/** About 90 bytes for each file: 700,000 packs are 11 TB. */
const LISTING_BYTES_MAX = 64 * 1024 * 1024
const VERSION_2 = 'application/vnd.x.restic.rest.v2'

class RestDialect implements HttpDialect {
  readonly location: string
  readonly #url: string
  readonly #login: RestLogin | undefined
  readonly #clock: Clock

  constructor(address: RestAddress, { login, clock }: RestOptions) {
    this.location = restLocation(address)
    this.#url = address.url
    this.#login = address.login ?? login
    this.#clock = clock
  }

  async request(name: StoredName, ask: FileAsk): Promise<HttpRequest> {
    const path = name.kind === 'config' ? 'config' : `${FOLDERS[name.kind]}/${name.id}`
    switch (ask.do) {
      case 'measure':
        return this.#request('HEAD', path)
      case 'load': {
        const { offset, length } = ask.range
        return this.#request('GET', path, { range: `bytes=${offset}-${offset + length - 1}` })
      }
      case 'save': {
        const { pieces, sizeBytes } = ask.upload
        const headers = { 'content-type': 'application/octet-stream', 'content-length': String(sizeBytes) }
        return { ...this.#request('POST', path, headers), body: pieces }
      }
      case 'remove':
        return this.#request('DELETE', path)
    }
  }

  #request(method: HttpRequest['method'], path: string, headers: Readonly<Record<string, string>> = {}): HttpRequest {
    return { method, url: `${this.#url}${path}`, headers: { ...this.#authorization(), accept: VERSION_2, ...headers } }
  }

  #authorization(): Readonly<Record<string, string>> {
    if (this.#login === undefined) return {}
    const { username, password } = this.#login
    return { authorization: `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}` }
  }

  /** The protocol has no checksums. */
  disproves(): boolean {
    return false
  }

  refusal(reply: HttpReply, doing: Doing): Error {
    return refusalOf(reply, { location: this.location, doing, nowMs: this.#clock.nowMs() })
  }

  async prepare(client: HttpClient, { signal }: BackendOptions): Promise<void> {
    await client.persist(
      async () => {
        const request = this.#request('POST', '?create=true', { 'content-length': '0' })
        const reply = await client.ask({ ...request, body: [] }, { replyBytesMax: REFUSAL_BYTES_MAX, signal })
        if (reply.status !== 200 && reply.status !== 201) throw this.refusal(reply, 'prepare')
      },
      { signal },
    )
  }

  async *list(kind: HashedKind, client: HttpClient, { signal }: BackendOptions): AsyncGenerator<StoredFileInfo> {
    yield* await client.persist(() => this.#listAll(kind, client, signal), { signal })
  }

  async #listAll(kind: HashedKind, client: HttpClient, signal: AbortSignal): Promise<readonly StoredFileInfo[]> {
    const request = this.#request('GET', `${FOLDERS[kind]}/`)
    const reply = await client.ask(request, { replyBytesMax: LISTING_BYTES_MAX, signal })
    if (reply.status === 404) return []
    if (reply.status !== 200) throw this.refusal(reply, 'list')
    if (reply.isCut) throw badAddress(this.location, `the server lists more than ${LISTING_BYTES_MAX} bytes of names`)
    if (reply.headers.get('content-type') !== VERSION_2) {
      throw badAddress(this.location, 'the server does not speak version 2 of the REST protocol')
    }
    const files = parseRestListing(fromUtf8(reply.body))
    if (files === undefined) throw new TryAgain('the server sent a listing that makes no sense')
    return files
  }
}
