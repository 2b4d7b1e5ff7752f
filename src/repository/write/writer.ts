import assert from 'node:assert/strict'
import { orAbort } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import { damaged } from '../errors.ts'
import { compress, decompress } from '../format/compression.ts'
import { type BlobId, type Id, sha256 } from '../format/id.ts'
import { BlobIndex, type BlobType } from '../indexes/blob-index.ts'
import { encodeIndexFile, type IndexedPack } from '../indexes/index-file.ts'
import { discard } from '../memory.ts'
import type { FinishedPack } from '../packs/pack.ts'
import { type StoredPack, verifyPack } from '../packs/pack-reader.ts'
import { PackStream, type UnsavedBlob } from '../packs/pack-stream.ts'
import { type BlobSource, blobBytesMax, openBlob, type Repository } from '../repository.ts'
import { createChunker } from './chunker.ts'
import { createFileWriter, type FileWriter, type FileWriterParts } from './file-writer.ts'

/** Blobs being compressed at one time, and their plain bytes. */
const IN_FLIGHT_MAX = 3
const IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024

/** An index file is written when this many blobs wait for one, or when that much time has passed. */
const INDEX_BLOBS_MAX = 20_000
const INDEX_INTERVAL_MS = 5 * 60 * 1000

/** No file takes this long to write: a half-written one of that age belongs to nobody. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000

/** What a writer has stored, in restic's terms; complete after a flush. */
export interface WriterStats {
  readonly dataBlobs: number
  readonly treeBlobs: number
  /** Plain bytes of new blobs. */
  readonly addedBytes: number
  /** The same blobs, compressed and sealed. */
  readonly storedBytes: number
}

/** What a run took over from one that was killed. */
export interface AdoptedPacks {
  readonly packs: number
  readonly blobs: number
  /** Packs that were left alone, each with what is wrong with it. */
  readonly refused: readonly { readonly id: Id; readonly sentence: string }[]
}

/**
 * Opens a writer; call `loadIndex` before, or everything is stored anew. With `verify` each blob is unpacked and hashed again
 * before it counts as stored. The signal ends all its work; so does the first failure, which every later call rejects with.
 */
export function openWriter(
  repository: Repository,
  { clock, signal, verify = true }: { clock: Clock; signal: AbortSignal; verify?: boolean },
): RepositoryWriter {
  return new RepositoryWriter(repository, { clock, signal, verify })
}

type PendingBlob = { readonly storing: Promise<void> } | { readonly unsaved: UnsavedBlob }

/**
 * Stores blobs into packs: nothing twice, nothing half. Hold a shared lock meanwhile, and open one writer at a time for a
 * `Repository`: its index knows blobs before any index file does. Disposing drops what was not flushed; packs that were saved
 * without an index are left to the next run to adopt, and the repository's index is then empty until it is loaded again.
 */
export class RepositoryWriter implements BlobSource, AsyncDisposable {
  readonly repository: Repository
  readonly clock: Clock
  readonly #verify: boolean
  readonly #signal: AbortSignal
  readonly #failed = new AbortController()
  readonly #fileParts: FileWriterParts
  readonly #streams: Readonly<Record<BlobType, PackStream>>
  /** Blobs that are in no durable pack yet. */
  readonly #pending = { data: new Map<BlobId, PendingBlob>(), tree: new Map<BlobId, PendingBlob>() }
  readonly #tasks = new Set<Promise<void>>()
  #inFlightBytes = 0
  /** Durable packs that no index file lists yet. */
  #unindexed: IndexedPack[] = []
  #indexedMs: number
  #indexing: Promise<void> = Promise.resolve()
  #stats: WriterStats = { dataBlobs: 0, treeBlobs: 0, addedBytes: 0, storedBytes: 0 }

  constructor(
    repository: Repository,
    { clock, signal, verify }: { clock: Clock; signal: AbortSignal; verify: boolean },
  ) {
    this.repository = repository
    this.clock = clock
    this.#verify = verify
    this.#signal = AbortSignal.any([signal, this.#failed.signal])
    this.#fileParts = {
      chunker: createChunker(repository.config.polynomial),
      store: (bytes, release) => this.#accept('data', bytes, release),
      spareBuffers: [],
    }
    this.#indexedMs = clock.elapsedMs()
    const save = (pack: FinishedPack) => this.#savePack(pack).catch(this.#fail)
    const { sealer } = repository
    this.#streams = { data: new PackStream('data', { sealer, save }), tree: new PackStream('tree', { sealer, save }) }
  }

  readonly #fail = (error: unknown): void => this.#failed.abort(error)

  get stats(): WriterStats {
    return this.#stats
  }

  /** Opens a file to be cut into blobs. Any number may be open; only what is written costs memory. */
  openFile(): FileWriter {
    return createFileWriter(this.#fileParts)
  }

  /** Stores one blob, at most 64 MiB of data or 256 MiB of tree. The bytes belong to the writer from now on. */
  async saveBlob(type: BlobType, bytes: Uint8Array): Promise<BlobId> {
    return await this.#accept(type, bytes, () => {})
  }

  /** Resolves with the id as soon as there is room for the work, which then goes on aside; `release` says that the bytes are free. */
  async #accept(type: BlobType, bytes: Uint8Array, release: () => void): Promise<BlobId> {
    assert(bytes.length > 0 && bytes.length <= blobBytesMax(type), 'A blob has at least one byte and not too many')
    this.#signal.throwIfAborted()
    const id = sha256(bytes)
    while (!this.#isKnown(type, id) && !this.#hasRoomFor(bytes.length)) {
      await Promise.race(this.#tasks)
      this.#signal.throwIfAborted()
    }
    if (this.#isKnown(type, id)) release()
    else this.#startStoring(type, id, bytes, release)
    return id
  }

  #isKnown(type: BlobType, id: BlobId): boolean {
    if (this.#pending[type].has(id)) return true
    return this.repository.index.has(type, id) && !this.repository.isUnreadable(type, id)
  }

  #hasRoomFor(bytes: number): boolean {
    if (this.#tasks.size === 0) return true
    return this.#tasks.size < IN_FLIGHT_MAX && this.#inFlightBytes + bytes <= IN_FLIGHT_BYTES_MAX
  }

  #startStoring(type: BlobType, id: BlobId, bytes: Uint8Array, release: () => void): void {
    this.#inFlightBytes += bytes.length
    const task = this.#store(type, id, bytes)
      .catch(this.#fail)
      .then(() => {
        this.#tasks.delete(task)
        this.#inFlightBytes -= bytes.length
        release()
      })
    this.#tasks.add(task)
    this.#pending[type].set(id, { storing: task })
  }

  async #store(type: BlobType, id: BlobId, plain: Uint8Array): Promise<void> {
    const frame = await compress(plain)
    if (this.#verify) await verifyFrame(id, frame, plain.length)
    const appended = (unsaved: UnsavedBlob) => {
      if (this.#verify) this.#verifySeal(unsaved, frame)
      this.#pending[type].set(id, { unsaved })
      this.#count(type, plain.length, unsaved.length)
    }
    await this.#streams[type].append({ id, frame, plainBytes: plain.length }, { signal: this.#signal, appended })
    discard(frame)
  }

  /** The frame was proven before; so the sealed bytes need only give back the same frame. */
  #verifySeal(unsaved: UnsavedBlob, frame: Uint8Array): void {
    if (!this.repository.sealer.isSealOf(frame, unsaved.sealed())) throw notAsWritten(unsaved.id)
  }

  #count(type: BlobType, plainBytes: number, sealedBytes: number): void {
    const { dataBlobs, treeBlobs, addedBytes, storedBytes } = this.#stats
    this.#stats = {
      dataBlobs: dataBlobs + (type === 'data' ? 1 : 0),
      treeBlobs: treeBlobs + (type === 'tree' ? 1 : 0),
      addedBytes: addedBytes + plainBytes,
      storedBytes: storedBytes + sealedBytes,
    }
  }

  async #savePack({ id, pieces, blobs }: FinishedPack): Promise<void> {
    await this.repository.backend.save({ kind: 'pack', id, holds: blobs[0]?.type }, pieces, { signal: this.#signal })
    this.repository.addPack(id, blobs)
    for (const blob of blobs) this.#pending[blob.type].delete(blob.id)
    this.#unindexed.push({ id, blobs })
    if (this.#isIndexDue()) await this.#writeIndex()
  }

  #isIndexDue(): boolean {
    const blobs = this.#unindexed.reduce((sum, pack) => sum + pack.blobs.length, 0)
    return blobs >= INDEX_BLOBS_MAX || this.clock.elapsedMs() - this.#indexedMs >= INDEX_INTERVAL_MS
  }

  /** Lists the packs that are durable by now in an index file; one at a time. */
  async #writeIndex(): Promise<void> {
    const write = async () => {
      while (this.#unindexed.length > 0) {
        const packs = this.#takeUnindexed()
        try {
          await this.repository.saveUnpacked('index', encodeIndexFile(packs), { signal: this.#signal })
        } catch (error) {
          this.#unindexed.unshift(...packs)
          throw error
        }
        this.#indexedMs = this.clock.elapsedMs()
      }
    }
    this.#indexing = this.#indexing.then(write)
    await this.#indexing
  }

  /** The packs for one file: whole packs, until it has enough blobs. */
  #takeUnindexed(): readonly IndexedPack[] {
    let blobs = 0
    let packs = 0
    for (const pack of this.#unindexed) {
      packs++
      blobs += pack.blobs.length
      if (blobs >= INDEX_BLOBS_MAX) break
    }
    return this.#unindexed.splice(0, packs)
  }

  /** Makes everything stored so far durable: first the packs, then an index. After it, no crash loses any of it. */
  async flush({ signal }: { signal: AbortSignal }): Promise<void> {
    const until = AbortSignal.any([signal, this.#signal])
    until.throwIfAborted()
    await orAbort(this.#flush(), until)
  }

  async #flush(): Promise<void> {
    try {
      await Promise.all(this.#tasks)
      await Promise.all([this.#streams.data.flush(), this.#streams.tree.flush()])
      this.#signal.throwIfAborted()
      await this.#writeIndex()
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  async loadBlob(type: BlobType, id: BlobId, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const pending = this.#pending[type].get(id)
    if (pending === undefined) return await this.repository.loadBlob(type, id, { signal })
    this.#signal.throwIfAborted()
    if ('unsaved' in pending) return await openBlob(this.repository.sealer, pending.unsaved, pending.unsaved.sealed())
    await orAbort(pending.storing, AbortSignal.any([signal, this.#signal]))
    return await this.loadBlob(type, id, { signal })
  }

  /**
   * Takes over the packs that a killed run has saved but not indexed, so that their blobs are not stored again. Each is read and
   * verified as a whole; half-written files of ours that are a day old are removed, and what an index lists of packs that are gone
   * is forgotten. Call it after `loadIndex`, before anything is stored; the next flush makes it durable.
   */
  async adoptOrphanPacks({ signal }: { signal: AbortSignal }): Promise<AdoptedPacks> {
    assert(this.#tasks.size === 0 && this.#unindexed.length === 0, 'Adopt packs before anything is stored')
    await this.repository.backend.removeLeftovers(this.clock.nowMs() - LEFTOVER_AGE_MS, { signal })
    const refused: { id: Id; sentence: string }[] = []
    for (const pack of await this.#findOrphans(signal)) {
      try {
        this.#unindexed.push({ id: pack.id, blobs: await verifyPack(this.repository, pack, { signal }) })
      } catch (error) {
        signal.throwIfAborted()
        refused.push({ id: pack.id, sentence: error instanceof Error ? error.message : String(error) })
      }
    }
    for (const { id, blobs } of this.#unindexed) this.repository.index.addPack(id, blobs)
    return {
      packs: this.#unindexed.length,
      blobs: this.#unindexed.reduce((sum, pack) => sum + pack.blobs.length, 0),
      refused,
    }
  }

  async #findOrphans(signal: AbortSignal): Promise<readonly StoredPack[]> {
    const packs = await Array.fromAsync(this.repository.backend.list('pack', { signal }))
    this.#forgetGone(new Set(packs.map(({ id }) => id)))
    return packs.filter(({ id }) => !this.repository.index.hasPack(id) && !this.repository.packsToDelete.has(id))
  }

  /** What lies in packs that are gone is not stored, whatever an index says. */
  #forgetGone(present: ReadonlySet<Id>): void {
    const gone = new Set(this.repository.index.packIds()).difference(present)
    if (gone.size > 0) this.repository.index = this.repository.index.without(gone)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failed.abort(new Error('The writer was closed'))
    await Promise.all(this.#tasks)
    await Promise.all([this.#streams.data.settled(), this.#streams.tree.settled()])
    await this.#indexing.catch(() => {})
    if (this.#unindexed.length > 0) this.repository.index = new BlobIndex()
  }
}

async function verifyFrame(id: BlobId, frame: Uint8Array, plainBytes: number): Promise<void> {
  const plain = await decompress(frame, plainBytes).catch(() => undefined)
  if (plain === undefined || sha256(plain) !== id) throw notAsWritten(id)
  discard(plain)
}

function notAsWritten(id: BlobId): Error {
  return damaged(`The blob ${id}`, 'it did not read back as written; the memory of this machine may be bad')
}
