import { fromUtf8, utf8 } from '../../../base/bytes.ts'
import type { Clock } from '../../../base/clock.ts'
import { sha256 } from '../../format/id.ts'
import {
  type Backend,
  type BackendOptions,
  FOLDERS,
  type HashedKind,
  pathOf,
  type StoredFileInfo,
  type StoredName,
} from '../backend.ts'
import { HttpClient } from '../http/client.ts'
import { badAddress } from '../http/errors.ts'
import type { HttpReply, HttpRequest } from '../http/exchange.ts'
import { type Doing, type FileAsk, HttpBackend, type HttpDialect, REFUSAL_BYTES_MAX } from '../http/http-backend.ts'
import { TryAgain } from '../http/persist.ts'
import type { Upload } from '../http/upload.ts'
import { parseListedId } from '../listed.ts'
import { type BucketStyle, bucketStyleOf, regionOf, type S3Address, s3Location } from './address.ts'
import { type ListingPage, parseListing } from './listing.ts'
import { s3Refusal } from './refusal.ts'
import { EMPTY_SHA256, encodeKey, encodePart, type S3Credentials, signRequest } from './sign.ts'

/** How an S3-compatible store is spoken to. */
export interface S3Options {
  readonly credentials: S3Credentials
  /** What the host name tells, or us-east-1, when none is given. */
  readonly region?: string | undefined
  readonly bucketStyle?: BucketStyle | undefined
  readonly clock: Clock
  /** Told in a sentence when the server does not answer and is asked again and again. */
  readonly onTrouble?: ((sentence: string) => void) | undefined
}

/**
 * A repository in an S3-compatible store, under the names that restic gives its files there. Each upload carries the SHA-256 of
 * its content, and replaces nothing where the server knows `If-None-Match`. Source: docs/protocol/restic-repository.md#s3.
 */
export function openS3Backend(address: S3Address, options: S3Options): Backend {
  return new HttpBackend(new S3Dialect(address, options), new HttpClient(s3Location(address), options))
}

const LISTING_BYTES_MAX = 8 * 1024 * 1024

class S3Dialect implements HttpDialect {
  readonly location: string
  readonly #address: S3Address
  readonly #options: S3Options
  readonly #region: string
  readonly #bucketUrl: string
  /** Until the server says that it does not know the header. */
  #isConditional = true

  constructor(address: S3Address, options: S3Options) {
    this.location = s3Location(address)
    this.#address = address
    this.#options = options
    this.#region = options.region ?? regionOf(address) ?? 'us-east-1'
    this.#bucketUrl = bucketUrlOf(address, options.bucketStyle ?? bucketStyleOf(address))
  }

  async request(name: StoredName, ask: FileAsk): Promise<HttpRequest> {
    const url = `${this.#bucketUrl}/${encodeKey(this.#keyOf(pathOf(name)))}`
    switch (ask.do) {
      case 'measure':
        return await this.#sign({ method: 'HEAD', url, headers: {} })
      case 'load': {
        const { offset, length } = ask.range
        return await this.#sign({ method: 'GET', url, headers: { range: `bytes=${offset}-${offset + length - 1}` } })
      }
      case 'save':
        return await this.#sign(this.#put(url, ask.upload))
      case 'remove':
        return await this.#sign({ method: 'DELETE', url, headers: {} })
    }
  }

  #put(url: string, { pieces, sizeBytes, sha256 }: Upload): HttpRequest {
    return {
      method: 'PUT',
      url,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(sizeBytes),
        'x-amz-content-sha256': sha256,
        'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64'),
        ...(this.#isConditional && { 'if-none-match': '*' }),
      },
      body: pieces,
    }
  }

  async #sign(request: HttpRequest): Promise<HttpRequest> {
    const { credentials, clock } = this.#options
    const headers = { 'x-amz-content-sha256': EMPTY_SHA256, ...request.headers }
    return await signRequest({ ...request, headers }, { credentials, region: this.#region, nowMs: clock.nowMs() })
  }

  /** By the checksum if the server gives it back, else by the ETag where that is an MD5: with other people's keys it is not. */
  disproves(upload: Upload, { headers }: HttpReply): boolean {
    const checksum = headers.get('x-amz-checksum-sha256')
    if (checksum !== null) return checksum !== Buffer.from(upload.sha256, 'hex').toString('base64')
    const md5 = /^"?([0-9a-f]{32})"?$/.exec(headers.get('etag') ?? '')?.[1]
    const isEncrypted = [...headers.keys()].some((name) => name.startsWith('x-amz-server-side-encryption'))
    return md5 !== undefined && !isEncrypted && md5 !== upload.md5()
  }

  refusal(reply: HttpReply, doing: Doing): Error {
    if (doing === 'save' && reply.status === 501 && this.#isConditional) {
      this.#isConditional = false
      return new TryAgain('the server does not know conditional writes')
    }
    return s3Refusal(reply, { location: this.location, doing, nowMs: this.#options.clock.nowMs() })
  }

  /** Makes the bucket if it is missing. Who may not look for it may still use it. */
  async prepare(client: HttpClient, { signal }: BackendOptions): Promise<void> {
    const options = { replyBytesMax: REFUSAL_BYTES_MAX, signal }
    await client.persist(async () => {
      const looked = await client.ask(await this.#sign({ method: 'HEAD', url: this.#bucketUrl, headers: {} }), options)
      if (looked.status === 200 || looked.status === 403) return
      if (looked.status !== 404) throw this.refusal(looked, 'prepare')
      const made = await client.ask(await this.#sign(this.#makeBucket()), options)
      if (made.status !== 200 && made.status !== 409) throw this.refusal(made, 'prepare')
    }, options)
  }

  #makeBucket(): HttpRequest {
    const isDefault = this.#region === 'us-east-1' || this.#region === 'auto'
    const place = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${this.#region}</LocationConstraint></CreateBucketConfiguration>`
    const body = utf8(isDefault ? '' : place)
    const headers = { 'content-length': String(body.length), 'x-amz-content-sha256': sha256(body) }
    return { method: 'PUT', url: this.#bucketUrl, headers, body: [body] }
  }

  async *list(kind: HashedKind, client: HttpClient, { signal }: BackendOptions): AsyncGenerator<StoredFileInfo> {
    const folder = this.#keyOf(`${FOLDERS[kind]}/`)
    const tokens = new Set<string | undefined>()
    for (let token: string | undefined; !tokens.has(token); ) {
      tokens.add(token)
      const page: ListingPage = await client.persist(() => this.#listPage(folder, token, client, signal), { signal })
      for (const { key, ...info } of page.objects) {
        const id = parseListedId(kind, key.slice(folder.length - FOLDERS[kind].length - 1))
        if (id !== undefined) yield { id, ...info }
      }
      if (page.nextToken === undefined) return
      token = page.nextToken
    }
    throw badAddress(this.location, 'the server lists the same files again and again')
  }

  async #listPage(
    folder: string,
    token: string | undefined,
    client: HttpClient,
    signal: AbortSignal,
  ): Promise<ListingPage> {
    const from = token === undefined ? '' : `&continuation-token=${encodePart(token)}`
    const query = `list-type=2&prefix=${encodePart(folder)}${from}`
    const request = await this.#sign({ method: 'GET', url: `${this.#bucketUrl}?${query}`, headers: {} })
    const reply = await client.ask(request, { replyBytesMax: LISTING_BYTES_MAX, signal })
    if (reply.status === 404) return { objects: [], nextToken: undefined }
    if (reply.status !== 200) throw this.refusal(reply, 'list')
    const page = parseListing(fromUtf8(reply.body))
    if (page === undefined) throw new TryAgain('the server sent a listing that makes no sense')
    return page
  }

  #keyOf(path: string): string {
    return this.#address.prefix === '' ? path : `${this.#address.prefix}/${path}`
  }
}

function bucketUrlOf({ origin, bucket }: S3Address, style: BucketStyle): string {
  if (style === 'path') return `${origin}/${bucket}`
  const url = new URL(origin)
  url.host = `${bucket}.${url.host}`
  return url.origin
}
