import { modulo, POLYNOMIAL_DEGREE, type Polynomial } from '../format/polynomial.ts'

/** No chunk but a file's last is shorter. */
export const CHUNK_BYTES_MIN = 512 * 1024
/** No chunk is longer. */
export const CHUNK_BYTES_MAX = 8 * 1024 * 1024

const WINDOW_BYTES = 64
/** The low 20 bits of the digest are zero at a cut, all of them in the lower half. */
const CUT_MASK = 0xfffff

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
  const append = tableOf((byte) => modulo(byte << BigInt(POLYNOMIAL_DEGREE), polynomial))
  const leave = tableOf((byte) => modulo(byte << BigInt(8 * (WINDOW_BYTES - 1)), polynomial))
  return {
    cut: (buffer, { searched, filled }) => {
      const end = Math.min(filled, CHUNK_BYTES_MAX)
      const found = search(buffer, Math.max(searched + 1, CHUNK_BYTES_MIN), end, append, leave)
      if (found !== 0) return found
      return filled >= CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : 0
    },
  }
}

/** 256 digests of 53 bits, each as a high half of 21 bits and a low half of 32. */
interface Table {
  readonly high: Int32Array
  readonly low: Int32Array
}

function tableOf(digest: (byte: bigint) => Polynomial): Table {
  const table: Table = { high: new Int32Array(256), low: new Int32Array(256) }
  for (let byte = 0; byte < 256; byte++) {
    const value = digest(BigInt(byte))
    table.high[byte] = Number(value >> 32n)
    table.low[byte] = Number(BigInt.asIntN(32, value))
  }
  return table
}

/** The first length from `from` to `end` at which the digest of the 64 bytes before it ends in twenty zero bits; 0 if there is none. */
function search(buffer: Uint8Array, from: number, end: number, append: Table, leave: Table): number {
  if (from > end) return 0
  const { high: appendHigh, low: appendLow } = append
  const { high: leaveHigh, low: leaveLow } = leave
  let high = 0
  let low = 0
  for (let i = from - WINDOW_BYTES; i < from; i++) {
    const top = high >>> 13
    high = (((high & 0x1fff) << 8) | (low >>> 24)) ^ appendHigh[top]!
    low = ((low << 8) | buffer[i]!) ^ appendLow[top]!
  }
  let length = from
  for (; length < end && (low & CUT_MASK) !== 0; length++) {
    const left = buffer[length - WINDOW_BYTES]!
    high ^= leaveHigh[left]!
    low ^= leaveLow[left]!
    const top = high >>> 13
    high = (((high & 0x1fff) << 8) | (low >>> 24)) ^ appendHigh[top]!
    low = ((low << 8) | buffer[length]!) ^ appendLow[top]!
  }
  return (low & CUT_MASK) === 0 ? length : 0
}
