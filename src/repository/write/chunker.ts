import { modulo, POLYNOMIAL_DEGREE, type Polynomial } from '../format/polynomial.ts'
import { instantiateRabin } from './wasm/rabin.ts'

/** No chunk but a file's last is shorter. */
export const CHUNK_BYTES_MIN = 512 * 1024
/** No chunk is longer. */
export const CHUNK_BYTES_MAX = 8 * 1024 * 1024

/**
 * Finds where restic's chunker would cut. Its Rabin digest depends on the last 64 bytes alone once a chunk has its least size, so
 * a search can begin anywhere: nothing is carried from call to call. Source: docs/protocol/restic-repository.md#chunker.
 */
export interface Chunker {
  /**
   * The length of the chunk that begins at the start of the buffer, if it ends within `filled` bytes, else 0.
   * `searched` says how many bytes an earlier call has looked at without a cut.
   */
  cut(buffer: Uint8Array, range: { readonly searched: number; readonly filled: number }): number
}

/** Takes a millisecond or two, for its tables: one chunker serves a whole run. */
export function createChunker(polynomial: Polynomial): Chunker {
  const search = openSearch(polynomial)
  return {
    cut: (buffer, { searched, filled }) => {
      const end = Math.min(filled, CHUNK_BYTES_MAX)
      const found = search(buffer, Math.max(searched + 1, CHUNK_BYTES_MIN), end)
      if (found !== 0) return found
      return filled >= CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : 0
    },
  }
}

/** The first length from `from` to `end` at which the digest of the 64 bytes before it ends in twenty zero bits; 0 if there is none. */
type Search = (buffer: Uint8Array, from: number, end: number) => number

const WINDOW_BYTES = 64
/** Where `wasm/rabin.as` wants the bytes, after its two tables; and how many of them it gets at a time, so that they stay in the cache. */
const BYTES_AT = 4096
const LENGTHS_AT_ONCE = 32 * 1024

function openSearch(polynomial: Polynomial): Search {
  const { memory, search } = instantiateRabin()
  fillTables(new BigUint64Array(memory.buffer, 0, 512), polynomial)
  const bytes = new Uint8Array(memory.buffer, BYTES_AT)
  return (buffer, from, end) => {
    for (let first = from; first <= end; first += LENGTHS_AT_ONCE) {
      const last = Math.min(end, first + LENGTHS_AT_ONCE - 1)
      const start = first - WINDOW_BYTES
      bytes.set(buffer.subarray(start, last))
      const found = search(first - start, last - start)
      if (found !== 0) return start + found
    }
    return 0
  }
}

/** The digests of a byte that is about to leave the digest's upper end, and of one that leaves the window with the next. */
function fillTables(tables: BigUint64Array, polynomial: Polynomial): void {
  for (let byte = 0n; byte < 256n; byte++) {
    const top = byte << BigInt(POLYNOMIAL_DEGREE)
    tables[Number(byte)] = top ^ modulo(top, polynomial)
    tables[256 + Number(byte)] = modulo(byte << BigInt(8 * WINDOW_BYTES), polynomial)
  }
}
