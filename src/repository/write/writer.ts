import assert from 'node:assert/strict'
import { orAbort } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import { type BlobId, type Id, sha256 } from '../format/id.ts'
import { BlobIndex, type BlobType } from '../indexes/blob-index.ts'
import { encodeIndexFile, type IndexedPack } from '../indexes/index-file.ts'
import type { FinishedPack } from '../packs/pack.ts'
import { type StoredPack, verifyPack } from '../packs/pack-reader.ts'
import { type BlobSource, blobBytesMax, openBlob, type Repository } from '../repository.ts'
import { createChunker } from './chunker.ts'
import { type Chunk, createFileWriter, type FileWriter, type FileWriterParts } from './file-writer.ts'
import { resolveLimits, type WriterLimits } from './limits.ts'
import { ChunkBuffers } from './pipeline/chunk-buffers.ts'
import { type PackSort, typeOf } from './pipeline/packer.ts'
import { type BlobInBuffer, Pipeline } from './pipeline/pipeline.ts'

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

/** How a writer works. */
export interface WriterOptions {
  readonly clock: Clock
  /** Ends all its work; so does the first failure, which every later call rejects with. */
  readonly signal: AbortSignal
  /** Each blob is unsealed, unpacked and hashed again before it counts as stored, unless this is false. */
  readonly verify?: boolean | undefined
  readonly limits?: WriterLimits | undefined
}

/** Opens a writer; call `loadIndex` before, or everything is stored anew. */
export function openWriter(repository: Repository, options: WriterOptions): RepositoryWriter {
  return new RepositoryWriter(repository, options)
}

/**
 * Stores blobs into packs: nothing twice, nothing half. Hold a shared lock meanwhile, and open one writer at a time for a
 * `Repository`: its index knows blobs before any index file does. Disposing drops what was not flushed; packs that were saved
 * without an index are left to the next run to adopt, and the repository's index is then empty until it is loaded again.
 */
export class RepositoryWriter implements BlobSource, AsyncDisposable {
  readonly repository: Repository
  readonly clock: Clock
  readonly #signal: AbortSignal
  readonly #failed = new AbortController()
  readonly #fileParts: FileWriterParts
  readonly #buffers = new ChunkBuffers()
  readonly #pipeline: Pipeline
  /** Durable packs that no index file lists yet. */
  #unindexed: IndexedPack[] = []
  #indexedMs: number
  #indexing: Promise<void> = Promise.resolve()
  #stats: WriterStats = { dataBlobs: 0, treeBlobs: 0, addedBytes: 0, storedBytes: 0 }

  constructor(repository: Repository, { clock, signal, verify = true, limits = {} }: WriterOptions) {
    this.repository = repository
    this.clock = clock
    this.#signal = AbortSignal.any([signal, this.#failed.signal])
    this.#fileParts = {
      chunker: createChunker(repository.config.polynomial),
      store: (chunk) => this.#storeChunk(chunk),
      buffers: this.#buffers,
    }
    this.#indexedMs = clock.elapsedMs()
    this.#pipeline = new Pipeline({
      sealer: repository.sealer,
      verify,
      limits: resolveLimits(limits),
      save: (pack) => this.#savePack(pack),
      onStored: (bytes) => this.#count({ storedBytes: bytes }),
      onSpare: (buffer) => this.#buffers.spare(buffer),
      fail: this.#fail,
    })
  }

  readonly #fail = (error: unknown): void => this.#failed.abort(error)

  get stats(): WriterStats {
    return this.#stats
  }

  #count(added: Partial<WriterStats>): void {
    const { dataBlobs, treeBlobs, addedBytes, storedBytes } = this.#stats
    this.#stats = {
      dataBlobs: dataBlobs + (added.dataBlobs ?? 0),
      treeBlobs: treeBlobs + (added.treeBlobs ?? 0),
      addedBytes: addedBytes + (added.addedBytes ?? 0),
      storedBytes: storedBytes + (added.storedBytes ?? 0),
    }
  }

  /** Opens a file to be cut into blobs. Any number may be open; only what is written costs memory. */
  openFile(): FileWriter {
    return createFileWriter(this.#fileParts)
  }

  async #storeChunk({ sort, buffer, sizeBytes }: Chunk): Promise<BlobId> {
    const id = sha256(buffer.subarray(0, sizeBytes))
    const fate = await this.#put(sort, { id, buffer, sizeBytes })
    if (fate !== 'kept') this.#buffers.spare(buffer)
    return id
  }

  /** Stores one blob, at most 64 MiB of data or 256 MiB of tree. The bytes belong to the writer from now on. */
  async saveBlob(type: BlobType, bytes: Uint8Array): Promise<BlobId> {
    assert(bytes.length > 0 && bytes.length <= blobBytesMax(type), 'A blob has at least one byte and not too many')
    const id = sha256(bytes)
    await this.#put(type === 'tree' ? 'tree' : 'media', { id, buffer: inOwnBuffer(bytes), sizeBytes: bytes.length })
    return id
  }

  /** Puts a blob that is not known yet on its way, as soon as there is room. */
  async #put(sort: PackSort, blob: BlobInBuffer): Promise<'copied' | 'kept' | 'known'> {
    this.#signal.throwIfAborted()
    const type = typeOf(sort)
    while (!this.#isKnown(type, blob.id) && !this.#pipeline.hasRoomFor(sort, blob.sizeBytes)) {
      await orAbort(this.#pipeline.change(), this.#signal)
    }
    if (this.#isKnown(type, blob.id)) return 'known'
    this.#count({ [type === 'tree' ? 'treeBlobs' : 'dataBlobs']: 1, addedBytes: blob.sizeBytes })
    return this.#pipeline.put(sort, blob)
  }

  #isKnown(type: BlobType, id: BlobId): boolean {
    if (this.#pipeline.has(type, id)) return true
    return this.repository.index.has(type, id) && !this.repository.isUnreadable(type, id)
  }

  async #savePack({ id, pieces, blobs }: FinishedPack): Promise<void> {
    await this.repository.backend.save({ kind: 'pack', id, holds: blobs[0]?.type }, pieces, { signal: this.#signal })
    this.repository.addPack(id, blobs)
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
      await this.#pipeline.flush()
      this.#signal.throwIfAborted()
      await this.#writeIndex()
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  async loadBlob(type: BlobType, id: BlobId, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    if (!this.#pipeline.has(type, id)) return await this.repository.loadBlob(type, id, { signal })
    const unsaved = await orAbort(this.#pipeline.find(type, id), AbortSignal.any([signal, this.#signal]))
    if (unsaved === undefined) return await this.repository.loadBlob(type, id, { signal })
    return await openBlob(this.repository.sealer, unsaved.blob, unsaved.sealed)
  }

  /**
   * Takes over the packs that a killed run has saved but not indexed, so that their blobs are not stored again. Each is read and
   * verified as a whole; half-written files of ours that are a day old are removed, and what an index lists of packs that are gone
   * is forgotten. Call it after `loadIndex`, before anything is stored; the next flush makes it durable.
   */
  async adoptOrphanPacks({ signal }: { signal: AbortSignal }): Promise<AdoptedPacks> {
    assert(this.#unindexed.length === 0, 'Adopt packs before anything is stored')
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
    await this.#pipeline[Symbol.asyncDispose]()
    await this.#indexing.catch(() => {})
    if (this.#unindexed.length > 0) this.repository.index = new BlobIndex()
  }
}

/** A blob that is handed to a thread takes its whole buffer along. */
function inOwnBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
  return isAlone ? new Uint8Array(buffer) : bytes.slice()
}
