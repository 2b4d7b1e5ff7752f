import { isAppError } from '../../base/errors.ts'
import type { BlobId, Id } from '../format/id.ts'
import type { BlobLocation } from '../indexes/blob-index.ts'
import { discard } from '../memory.ts'
import { blobBytesMax, openBlob, type Repository } from '../repository.ts'

/** Bytes that nobody wants are read along where that saves a request. */
const GAP_BYTES_MAX = 1024 * 1024
/** A window ends when it has this much; it is longer only for a single blob. */
const WINDOW_BYTES = 4 * 1024 * 1024
/** The least recently used ones go, and their memory with them. */
const WINDOWS_MAX = 8

interface Window {
  readonly packId: Id
  readonly offset: number
  readonly end: number
  /** Undefined when the pack is gone. */
  readonly bytes: Promise<Uint8Array | undefined>
  /** As long as there are any, its memory is not given back. */
  readers: number
}

/**
 * Data blobs that will be asked for, about in the order in which they lie in their packs: neighbours come from one request. Takes
 * the memory of 8 windows of 4 MiB, and about 100 bytes for each blob.
 */
export class BlobWindows {
  readonly #repository: Repository
  /** Where the first copy of each blob lies, by pack and offset. */
  readonly #wanted: readonly Place[]
  #windows: Window[] = []

  constructor(repository: Repository, wanted: Iterable<BlobId>) {
    this.#repository = repository
    this.#wanted = Array.from(placesOf(repository, wanted)).sort(inOrder)
  }

  /** The blob's plain content, proven by its hash, from whichever copy is good. Throws `repo.damaged`. */
  async load(id: BlobId, { signal }: { readonly signal: AbortSignal }): Promise<Uint8Array> {
    const location = this.#repository.index.find('data', id)
    const isSane = location !== undefined && location.length <= 2 * blobBytesMax('data')
    try {
      if (isSane) return await this.#loadFromWindow(location, signal)
    } catch (error) {
      if (!isAppError(error, 'repo.damaged')) throw error
    }
    return await this.#repository.loadBlob('data', id, { signal })
  }

  async #loadFromWindow(location: BlobLocation, signal: AbortSignal): Promise<Uint8Array> {
    const window = this.#windowFor(location, signal)
    window.readers++
    try {
      const from = location.offset - window.offset
      const bytes = (await window.bytes) ?? NOTHING
      return await openBlob(this.#repository.sealer, location, bytes.subarray(from, from + location.length))
    } finally {
      window.readers--
    }
  }

  #windowFor(location: BlobLocation, signal: AbortSignal): Window {
    const window = this.#windows.find((each) => isWithin(location, each)) ?? this.#openWindow(location, signal)
    this.#windows = [window, ...this.#windows.filter((other) => other !== window)]
    for (const old of this.#windows.slice(WINDOWS_MAX)) if (old.readers === 0) this.#close(old)
    return window
  }

  #openWindow(location: BlobLocation, signal: AbortSignal): Window {
    const { packId, offset } = location
    const end = this.#endOfWindow(location)
    const bytes = this.#repository.backend.load(
      { kind: 'pack', id: packId, holds: 'data' },
      { offset, length: end - offset },
      { signal },
    )
    const window = { packId, offset, end, bytes, readers: 0 }
    // What could not be read is asked for again when it is wanted again.
    bytes.catch(() => this.#close(window))
    return window
  }

  #close(window: Window): void {
    this.#windows = this.#windows.filter((other) => other !== window)
    window.bytes.then(
      (bytes) => bytes && discard(bytes),
      () => undefined,
    )
  }

  /** After the last blob that is wanted and lies near enough to the one before it. */
  #endOfWindow({ packId, offset, length }: BlobLocation): number {
    let end = offset + length
    for (let at = this.#placeOf({ packId, offset }); at < this.#wanted.length; at++) {
      const next = this.#wanted[at]!
      const nextEnd = next.offset + next.length
      if (next.packId !== packId || next.offset - end > GAP_BYTES_MAX || nextEnd - offset > WINDOW_BYTES) break
      end = Math.max(end, nextEnd)
    }
    return end
  }

  /** Of the first wanted blob that lies there or behind. */
  #placeOf(place: Pick<BlobLocation, 'packId' | 'offset'>): number {
    let low = 0
    let high = this.#wanted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (inOrder(this.#wanted[middle]!, place) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

const NOTHING = new Uint8Array(0)

/** Less than a `BlobLocation`, since there may be many. */
type Place = Pick<BlobLocation, 'packId' | 'offset' | 'length'>

function* placesOf({ index }: Repository, blobs: Iterable<BlobId>): Generator<Place> {
  for (const id of blobs) {
    const location = index.find('data', id)
    if (location !== undefined) yield { packId: location.packId, offset: location.offset, length: location.length }
  }
}

function isWithin({ packId, offset, length }: BlobLocation, window: Window): boolean {
  return packId === window.packId && offset >= window.offset && offset + length <= window.end
}

/** By pack, then by offset. */
function inOrder(left: Omit<Place, 'length'>, right: Omit<Place, 'length'>): number {
  if (left.packId !== right.packId) return left.packId < right.packId ? -1 : 1
  return left.offset - right.offset
}
