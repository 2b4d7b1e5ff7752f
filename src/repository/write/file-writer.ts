import type { BlobId } from '../format/id.ts'
import { type ChunkPolicy, type DataSort, HEAD_BYTES, policyFor } from './chunk-policy.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, type Chunker } from './chunker.ts'
import type { ChunkBuffers } from './pipeline/chunk-buffers.ts'

/** A file as a tree refers to it. */
export interface StoredFile {
  /** The blobs whose contents, one after the other, are the file; none for an empty file. */
  readonly content: readonly BlobId[]
  readonly sizeBytes: number
}

/** One file on its way into the repository. One call at a time. */
export interface FileWriter {
  /** Takes a copy of the bytes; resolves when more may come. Rejects with the writer's failure. */
  write(bytes: Uint8Array): Promise<void>
  /** Ends the file. Its blobs are stored, though durable only after the writer's `flush`. */
  finish(): Promise<StoredFile>
  /** Drops what was not stored yet. Blobs that were stored stay in the repository, unused, until a prune. */
  abandon(): void
}

/** A piece of a file, at the start of a buffer that goes with it: the buffer may come back through `spare`, by and by. */
export interface Chunk {
  readonly sort: DataSort
  readonly buffer: Uint8Array<ArrayBuffer>
  readonly sizeBytes: number
}

/** What the files of one writer share. */
export interface FileWriterParts {
  readonly chunker: Chunker
  readonly store: (chunk: Chunk) => Promise<BlobId>
  readonly buffers: ChunkBuffers
}

/** Opens a file; nothing needs closing, and `abandon` is for giving its buffer back early. */
export function createFileWriter(parts: FileWriterParts): FileWriter {
  return new ChunkedFile(parts)
}

/** How far the chunker is allowed to lag behind: what is copied past a cut has to be copied again. */
const STEP_BYTES = 256 * 1024

class ChunkedFile implements FileWriter {
  readonly #parts: FileWriterParts
  readonly #content: BlobId[] = []
  #policy: ChunkPolicy | undefined
  #buffer: Uint8Array<ArrayBuffer> = EMPTY
  #filled = 0
  #searched = 0
  #sizeBytes = 0

  constructor(parts: FileWriterParts) {
    this.#parts = parts
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#sizeBytes += bytes.length
    for (let offset = 0; offset < bytes.length; ) {
      const size = Math.min(bytes.length - offset, this.#wantedBytes())
      this.#take(bytes.subarray(offset, offset + size))
      offset += size
      if (this.#mayEnd()) await this.#cut()
    }
  }

  /** How much to take before the next decision: how to cut, or where. */
  #wantedBytes(): number {
    if (this.#policy === undefined && this.#filled < HEAD_BYTES) return HEAD_BYTES - this.#filled
    const { blobBytes } = this.#policyNow()
    return blobBytes === undefined ? Math.min(STEP_BYTES, CHUNK_BYTES_MAX - this.#filled) : blobBytes - this.#filled
  }

  /** A file is cut one way from beginning to end. */
  #policyNow(): ChunkPolicy {
    this.#policy ??= policyFor(this.#buffer.subarray(0, Math.min(this.#filled, HEAD_BYTES)))
    return this.#policy
  }

  #mayEnd(): boolean {
    return this.#filled >= (this.#policy?.blobBytes ?? CHUNK_BYTES_MIN)
  }

  #take(bytes: Uint8Array): void {
    const wanted = this.#filled + bytes.length
    if (wanted > this.#buffer.length) {
      const grown = this.#parts.buffers.take(wanted)
      grown.set(this.#buffer.subarray(0, this.#filled))
      this.#parts.buffers.spare(this.#buffer)
      this.#buffer = grown
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled = wanted
  }

  async #cut(): Promise<void> {
    const { chunker } = this.#parts
    const size =
      this.#policyNow().blobBytes ?? chunker.cut(this.#buffer, { searched: this.#searched, filled: this.#filled })
    this.#searched = this.#filled
    if (size > 0) await this.#storeFirst(size)
  }

  /** Stores the first bytes of the buffer, which goes with them; the rest moves to another one. */
  async #storeFirst(size: number): Promise<void> {
    const { sort } = this.#policyNow()
    const buffer = this.#buffer
    const rest = buffer.subarray(size, this.#filled)
    this.#buffer = EMPTY
    this.#filled = 0
    this.#searched = 0
    if (rest.length > 0) this.#take(rest)
    this.#content.push(await this.#parts.store({ sort, buffer, sizeBytes: size }))
  }

  async finish(): Promise<StoredFile> {
    if (this.#filled > 0) await this.#storeFirst(this.#filled)
    return { content: this.#content, sizeBytes: this.#sizeBytes }
  }

  abandon(): void {
    this.#parts.buffers.spare(this.#buffer)
    this.#buffer = EMPTY
    this.#filled = 0
  }
}

const EMPTY = new Uint8Array(0)
