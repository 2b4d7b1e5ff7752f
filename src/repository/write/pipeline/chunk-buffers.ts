import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from '../chunker.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Most files are smaller than any chunk, and most chunks have a quarter of the greatest size. */
const SIZES: readonly number[] = [CHUNK_BYTES_MIN, CHUNK_BYTES_MAX / 4, CHUNK_BYTES_MAX]

const SPARE_MAX = 4

/** Buffers in which chunks are collected, kept for the next chunk: a few of each size. */
export class ChunkBuffers {
  readonly #spare: readonly Bytes[][] = SIZES.map(() => [])

  /** One with room for that many bytes, at most a chunk. What it held before may still be in it. */
  take(bytes: number): Bytes {
    const size = SIZES.findIndex((each) => bytes <= each)
    return this.#spare[size]?.pop() ?? new Uint8Array(SIZES[size] ?? bytes)
  }

  /** Gives one back, of any size: nobody may look into it afterwards. */
  spare(buffer: Bytes): void {
    const kept = this.#spare[SIZES.indexOf(buffer.length)]
    if (kept !== undefined && kept.length < SPARE_MAX) kept.push(buffer)
  }
}
