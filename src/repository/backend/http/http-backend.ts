import { createHash } from 'node:crypto'
import { damaged } from '../../errors.ts'
import {
  type Backend,
  type BackendOptions,
  type ByteRange,
  type HashedKind,
  pathOf,
  type StoredFileInfo,
  type StoredName,
} from '../backend.ts'
import type { HttpClient } from './client.ts'
import { serverRefused } from './errors.ts'
import type { HttpReply, HttpRequest } from './exchange.ts'
import { TryAgain } from './persist.ts'
import { type Upload, uploadOf } from './upload.ts'

/** What a server is asked to do with one file. */
export type FileAsk =
  | { readonly do: 'measure' }
  | { readonly do: 'load'; readonly range: ByteRange }
  | { readonly do: 'save'; readonly upload: Upload }
  | { readonly do: 'remove' }

/** What the protocols differ in. */
export interface HttpDialect {
  /** For messages, without secrets. */
  readonly location: string
  /** The request, signed; made anew for each attempt. */
  request(name: StoredName, ask: FileAsk): Promise<HttpRequest>
  /** True when the answer to a save shows that something else was stored than what was sent. */
  disproves(upload: Upload, reply: HttpReply): boolean
  /** What an answer means that is none of the expected: `TryAgain`, or an error with words. */
  refusal(reply: HttpReply, doing: Doing): Error
  /** Makes the bucket or the folders, where they are missing. */
  prepare(client: HttpClient, options: BackendOptions): Promise<void>
  list(kind: HashedKind, client: HttpClient, options: BackendOptions): AsyncIterable<StoredFileInfo>
}

/** What was refused: something with a file, with the whole store, or a listing. */
export type Doing = FileAsk['do'] | 'prepare' | 'list'

/** What an error says beside its status; longer bodies are of no use. */
export const REFUSAL_BYTES_MAX = 64 * 1024
const READ_BACK_BYTES = 4 * 1024 * 1024

/**
 * A repository on a server. Every call is repeated until it has a clear answer; a file counts as stored when the server said so,
 * or, where its answer was lost or doubtful, when what lies there was read back and is what was sent.
 */
export class HttpBackend implements Backend {
  readonly #dialect: HttpDialect
  readonly #client: HttpClient

  constructor(dialect: HttpDialect, client: HttpClient) {
    this.#dialect = dialect
    this.#client = client
  }

  get location(): string {
    return this.#dialect.location
  }

  async prepare(options: BackendOptions): Promise<void> {
    options.signal.throwIfAborted()
    await this.#dialect.prepare(this.#client, options)
  }

  async save(name: StoredName, pieces: readonly Uint8Array[], { signal }: BackendOptions): Promise<void> {
    const upload = uploadOf(name, pieces)
    let isDoubtful = false
    await this.#client.persist(
      async () => {
        const isThere = isDoubtful ? this.#isThereAsSent(name, upload, signal) : this.#isThere(name, upload, signal)
        if (await isThere) return
        isDoubtful = true
        await this.#upload(name, upload, signal)
      },
      { signal },
    )
  }

  async #isThere(name: StoredName, { sizeBytes }: Upload, signal: AbortSignal): Promise<boolean> {
    const stored = await this.#measure(name, signal)
    if (stored === undefined || stored === sizeBytes) return stored !== undefined
    throw damaged(pathOf(name), `it exists with ${stored} bytes where ${sizeBytes} were to be written`)
  }

  /**
   * After an upload whose end is not known. What is left of a broken one is removed, for an id says that nobody meant to write
   * anything else there; another config is another repository's.
   */
  async #isThereAsSent(name: StoredName, upload: Upload, signal: AbortSignal): Promise<boolean> {
    const stored = await this.#measure(name, signal)
    if (stored === undefined) return false
    if (stored === upload.sizeBytes && (await this.#hash(name, stored, signal)) === upload.sha256) return true
    if (name.kind === 'config') throw damaged('config', 'another one appeared while it was written')
    await this.#ask(name, { do: 'remove' }, { expects: REMOVED, signal }).catch(unlessPassing)
    return false
  }

  async #upload(name: StoredName, upload: Upload, signal: AbortSignal): Promise<void> {
    const reply = await this.#ask(name, { do: 'save', upload }, { expects: [...STORED, ...IN_THE_WAY], signal })
    if (IN_THE_WAY.includes(reply.status)) {
      if (await this.#isThereAsSent(name, upload, signal)) return
      throw this.#dialect.refusal(reply, 'save')
    }
    if (this.#dialect.disproves(upload, reply)) throw new TryAgain('the server stored something else than it was sent')
  }

  async load(name: StoredName, range: ByteRange, { signal }: BackendOptions): Promise<Uint8Array | undefined> {
    return await this.#client.persist(async () => await this.#loadRange(name, range, signal), { signal })
  }

  async #loadRange(name: StoredName, range: ByteRange, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (range.length === 0) return (await this.#measure(name, signal)) === undefined ? undefined : new Uint8Array(0)
    const reply = await this.#ask(name, { do: 'load', range }, { expects: [200, 206, 404, 416], signal })
    if (reply.status === 404) return undefined
    if (reply.status === 416) return new Uint8Array(0)
    if (reply.status === 206) return partOf(reply, range)
    if (range.offset > 0) throw serverRefused(this.location, 'sends whole files where a part was asked for')
    return beginningOf(reply, range.length)
  }

  async *list(kind: HashedKind, options: BackendOptions): AsyncGenerator<StoredFileInfo> {
    for await (const info of this.#dialect.list(kind, this.#client, options)) {
      options.signal.throwIfAborted()
      yield info
    }
  }

  async remove(name: StoredName, { signal }: BackendOptions): Promise<boolean> {
    let wasThere = false
    return await this.#client.persist(
      async () => {
        wasThere ||= (await this.#measure(name, signal)) !== undefined
        await this.#ask(name, { do: 'remove' }, { expects: REMOVED, signal })
        return wasThere
      },
      { signal },
    )
  }

  /** A server shows a file when it has all of it: there is nothing to clear away. */
  async removeLeftovers(): Promise<number> {
    return 0
  }

  async freeBytes(): Promise<undefined> {
    return undefined
  }

  /** Its size; undefined if there is no such file. */
  async #measure(name: StoredName, signal: AbortSignal): Promise<number | undefined> {
    const reply = await this.#ask(name, { do: 'measure' }, { expects: [200, 404], signal })
    if (reply.status === 404) return undefined
    const size = Number(reply.headers.get('content-length') ?? Number.NaN)
    if (!Number.isSafeInteger(size)) throw new TryAgain('the server did not say how large a file is')
    return size
  }

  async #hash(name: StoredName, sizeBytes: number, signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256')
    for (let offset = 0; offset < sizeBytes; offset += READ_BACK_BYTES) {
      const bytes = await this.#loadRange(name, { offset, length: READ_BACK_BYTES }, signal)
      if (bytes === undefined) return ''
      hash.update(bytes)
    }
    return hash.digest('hex')
  }

  /** Asks once. An answer that nobody expects is thrown as what it means. */
  async #ask(
    name: StoredName,
    ask: FileAsk,
    { expects, signal }: { expects: readonly number[]; signal: AbortSignal },
  ): Promise<HttpReply> {
    const replyBytesMax = Math.max(REFUSAL_BYTES_MAX, ask.do === 'load' ? ask.range.length : 0)
    const reply = await this.#client.ask(await this.#dialect.request(name, ask), { replyBytesMax, signal })
    if (expects.includes(reply.status)) return reply
    throw this.#dialect.refusal(reply, ask.do)
  }
}

/** Where a broken upload cannot be removed just now, the next one may still replace it. */
function unlessPassing(error: unknown): void {
  if (!(error instanceof TryAgain)) throw error
}

const STORED = [200, 201, 204]
const REMOVED = [200, 202, 204, 404]
/** There is a file of that name already: 412 of S3, 403 of a REST server. */
const IN_THE_WAY = [403, 412]

/** A part as the server describes it: it must begin where it was asked to, and go on to the end of the range or of the file. */
function partOf({ headers, body }: HttpReply, { offset, length }: ByteRange): Uint8Array {
  const match = /^bytes (\d+)--?\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')
  const wantedBytes = Math.max(0, Math.min(length, Number(match?.[2]) - offset))
  const isIt = match !== null && (wantedBytes === 0 || Number(match[1]) === offset) && body.length >= wantedBytes
  if (!isIt) throw new TryAgain('the server sent another part of a file than it was asked for')
  return body.subarray(0, wantedBytes)
}

/** The whole file, of a server that does not give parts. */
function beginningOf({ headers, body, isCut }: HttpReply, length: number): Uint8Array {
  const size = Number(headers.get('content-length') ?? body.length)
  if (!isCut && body.length !== size) throw new TryAgain('the server sent a file without its end')
  return body.subarray(0, length)
}
