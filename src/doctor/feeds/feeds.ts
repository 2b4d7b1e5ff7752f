import { getCACertificates } from 'node:tls'
import { fromUtf8 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { withinTime } from '../../device/index.ts'
import type { NewestIos, Reading, Readings } from '../engine.ts'
import { type Looked, look, type OnLook, tooSlow } from '../gather/look.ts'
import { loadAppleRoot, needsAppleRoot } from './apple-root.ts'
import { type CachedDocument, type DocumentCache, openDocumentCache } from './document-cache.ts'
import { FeedFailure, fetchDocument } from './fetch-document.ts'
import { parseSystemStatus } from './system-status.ts'
import { newestFor, parseReleases, type Release } from './updates.ts'

/** Where Apple's two public documents are; undefined: it is not asked for. Nothing about any phone is sent. */
export interface FeedAddresses {
  readonly status: URL | undefined
  readonly updates: URL | undefined
}

export const APPLE_FEEDS: FeedAddresses = {
  status: new URL('https://www.apple.com/support/systemstatus/data/system_status_en_US.js'),
  updates: new URL('https://gdmf.apple.com/v2/pmv'),
}

export interface FeedOptions {
  readonly addresses: FeedAddresses
  /** What `parseAppleRoot` gave; fetched from Apple when it is needed, unless given. */
  readonly appleRoot?: string | undefined
  /** Copies of the documents; may be deleted. */
  readonly cacheFolder: string
  readonly clock: Clock
  readonly onLook?: OnLook | undefined
  readonly signal: AbortSignal
}

export interface Feeds {
  /** What does not depend on the phone. */
  readonly readings: Readings
  /** The newest system for a model. */
  newestIos(model: string): Reading<NewestIos>
}

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

interface Kind<Value> {
  readonly parse: (text: string, nowMs: number) => Value
  readonly bytesMax: number
  /** So long nobody is asked again. */
  readonly freshMs: number
  /** So long the copy stands in when nobody can be asked. */
  readonly usableMs: number
}

const STATUS = { parse: parseSystemStatus, bytesMax: 4 << 20, freshMs: 5 * MINUTE_MS, usableMs: 5 * MINUTE_MS }
const UPDATES = { parse: parseReleases, bytesMax: 32 << 20, freshMs: 6 * HOUR_MS, usableMs: 14 * 24 * HOUR_MS }

/** Asks Apple, for eight seconds at most. What cannot be had is `offline`, what means nothing `odd`: never well. */
export async function readFeeds({
  addresses,
  appleRoot,
  cacheFolder,
  clock,
  onLook,
  signal,
}: FeedOptions): Promise<Feeds> {
  const cache = openDocumentCache(cacheFolder)
  const read = async <Value>(place: 'services' | 'updates', address: URL | undefined, kind: Kind<Value>) => {
    if (address === undefined) return NOT_ASKED
    const options = { clock, onLook, signal, msMax: LOOK_MS_MAX }
    return await look(place, options, (signal) => readDocument(address, kind, { appleRoot, cache, clock, signal }))
  }
  const [status, updates] = await Promise.all([
    read('services', addresses.status, STATUS),
    read('updates', addresses.updates, UPDATES),
  ])
  return {
    readings: { services: readingOf(status), ownClockAheadMs: clockOf(status, updates) },
    newestIos: (model) => newestOf(model, readingOf(updates), clock.nowMs()),
  }
}

const FETCH_MS_MAX = 7 * SECOND_MS
/** With the time to give up and to look at the copy. */
const LOOK_MS_MAX = 8 * SECOND_MS

const NOT_ASKED = { kind: 'unread', why: 'not-asked' } as const

interface Read<Value> {
  readonly value: Value
  readonly document: CachedDocument
}

interface ReadOptions {
  readonly appleRoot: string | undefined
  readonly cache: DocumentCache
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** The document, or a copy that is young enough. What does not parse is neither used nor kept. */
async function readDocument<Value>(
  address: URL,
  { parse, bytesMax, freshMs, usableMs }: Kind<Value>,
  options: ReadOptions,
): Promise<Read<Value>> {
  const { cache, clock } = options
  const nowMs = clock.nowMs()
  const kept = await cache.read(address)
  const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : Math.abs(nowMs - kept.seenMs)
  const asRead = (document: CachedDocument) => ({ document, value: parse(document.text, nowMs) })
  if (kept !== undefined && ageMs < freshMs) return asRead(kept)
  try {
    const document = await fetchInTime(address, kept, { ...options, bytesMax })
    const read = asRead(document)
    await cache.write(address, document)
    return read
  } catch (error) {
    if (error instanceof FeedFailure && kept !== undefined && ageMs < usableMs) return asRead(kept)
    throw error
  }
}

async function fetchInTime(
  address: URL,
  kept: CachedDocument | undefined,
  options: ReadOptions & { readonly bytesMax: number },
): Promise<CachedDocument> {
  const { bytesMax, clock, signal } = options
  try {
    return await withinTime({ ms: FETCH_MS_MAX, clock, late: () => tooSlow(FETCH_MS_MAX), signal }, async (signal) => {
      const ca = needsAppleRoot(address) ? await authorities({ ...options, signal }) : undefined
      const { body, etag, serverMs } = await fetchDocument(address, { etag: kept?.etag, ca, bytesMax, signal })
      const seenMs = clock.nowMs()
      const aheadMs = serverMs === undefined ? undefined : seenMs - serverMs
      return { text: body === undefined ? (kept?.text ?? '') : fromUtf8(body), etag, seenMs, aheadMs }
    })
  } catch (error) {
    signal.throwIfAborted()
    throw isAppError(error) ? new FeedFailure('offline', 'too slow', error) : error
  }
}

async function authorities({ appleRoot, cache, clock, signal }: ReadOptions): Promise<readonly string[]> {
  const root = appleRoot ?? (await loadAppleRoot(cache, { nowMs: clock.nowMs(), signal }))
  return [...getCACertificates('default'), root]
}

function readingOf<Value>(looked: Looked<Read<Value>>): Reading<Value> {
  if (looked.kind === 'unread') return looked
  return { kind: 'known', value: looked.value.value, source: 'apple-feed', atMs: looked.value.document.seenMs }
}

/** Whichever server has just told the time; a copy tells how it was when it was made. */
function clockOf(...documents: readonly Looked<Read<unknown>>[]): Reading<number> {
  const times = documents.filter((looked) => looked.kind === 'known').map(({ value }) => value.document)
  const newest = times
    .filter(({ aheadMs }) => aheadMs !== undefined)
    .toSorted((left, right) => right.seenMs - left.seenMs)[0]
  if (newest?.aheadMs === undefined) return NOT_ASKED
  return { kind: 'known', value: newest.aheadMs, source: 'apple-feed', atMs: newest.seenMs }
}

function newestOf(model: string, releases: Reading<readonly Release[]>, nowMs: number): Reading<NewestIos> {
  if (releases.kind !== 'known') return releases
  const { source, atMs } = releases
  const value = newestFor(model, releases.value, nowMs)
  return value === undefined ? { kind: 'absent', source, atMs } : { kind: 'known', value, source, atMs }
}
