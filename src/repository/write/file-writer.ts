import type { BlobId } from '../format/id.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, type Chunker } from './chunker.ts'

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

/** Stores a chunk, and says through `release` when its bytes may be overwritten. */
type Store = (bytes: Uint8Array, release: () => void) => Promise<BlobId>

/** How far the chunker is allowed to lag behind: what is copied past a cut has to be copied again. */
const STEP_BYTES = 256 * 1024
const SPARE_BUFFERS_MAX = 2

/** What the files of one writer share. */
export interface FileWriterParts {
  readonly chunker: Chunker
  readonly store: Store
  /** Whole chunks are collected in buffers of the largest size; those that are free wait here to be used again. */
  readonly spareBuffers: Uint8Array[]
}

/** Opens a file; nothing needs closing, and `abandon` is for giving its buffer back early. */
export function createFileWriter(parts: FileWriterParts): FileWriter {
  return new ChunkedFile(parts)
}

class ChunkedFile implements FileWriter {
  readonly #parts: FileWriterParts
  readonly #content: BlobId[] = []
  #buffer: Uint8Array = EMPTY
  #filled = 0
  #searched = 0
  #sizeBytes = 0

  constructor(parts: FileWriterParts) {
    this.#parts = parts
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#sizeBytes += bytes.length
    for (let offset = 0; offset < bytes.length; ) {
      const size = Math.min(bytes.length - offset, STEP_BYTES, CHUNK_BYTES_MAX - this.#filled)
      this.#take(bytes.subarray(offset, offset + size))
      offset += size
      if (this.#filled >= CHUNK_BYTES_MIN) await this.#cut()
    }
  }

  #take(bytes: Uint8Array): void {
    const wanted = this.#filled + bytes.length
    if (wanted > this.#buffer.length) {
      const grown = this.#newBuffer(wanted)
      grown.set(this.#buffer.subarray(0, this.#filled))
      this.#buffer = grown
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled = wanted
  }

  async #cut(): Promise<void> {
    const size = this.#parts.chunker.cut(this.#buffer, { searched: this.#searched, filled: this.#filled })
    this.#searched = this.#filled
    if (size > 0) await this.#storeFirst(size)
  }

  /** Stores the first bytes of the buffer, which goes with them; the rest moves to another one. */
  async #storeFirst(size: number): Promise<void> {
    const chunk = this.#buffer
    const rest = chunk.subarray(size, this.#filled)
    this.#buffer = EMPTY
    this.#filled = 0
    this.#searched = 0
    this.#take(rest)
    this.#content.push(await this.#parts.store(chunk.subarray(0, size), () => this.#spare(chunk)))
  }

  async finish(): Promise<StoredFile> {
    if (this.#filled > 0) await this.#storeFirst(this.#filled)
    return { content: this.#content, sizeBytes: this.#sizeBytes }
  }

  abandon(): void {
    this.#spare(this.#buffer)
    this.#buffer = EMPTY
    this.#filled = 0
  }

  /** Room for that many bytes: no more at first, since most files come in one piece; then twice that, and at last a whole chunk. */
  #newBuffer(wanted: number): Uint8Array {
    if (wanted >= CHUNK_BYTES_MIN) return this.#parts.spareBuffers.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES_MAX)
    return Buffer.allocUnsafe(this.#filled === 0 ? wanted : Math.min(CHUNK_BYTES_MIN, wanted * 2))
  }

  #spare(buffer: Uint8Array): void {
    const { spareBuffers } = this.#parts
    if (buffer.length === CHUNK_BYTES_MAX && spareBuffers.length < SPARE_BUFFERS_MAX) spareBuffers.push(buffer)
  }
}

const EMPTY = new Uint8Array(0)
