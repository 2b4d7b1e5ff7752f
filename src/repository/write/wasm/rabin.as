// The search for the end of a chunk, in AssemblyScript. `chunker.ts` says what it finds, and fills the memory:
// 256 digests of `byte << 53`, 256 digests of `byte << 512`, then the bytes to be searched.

const APPEND: usize = 0
const LEAVE: usize = 2048
const BYTES: usize = 4096

const WINDOW_BYTES: usize = 64
const CUT_MASK: u32 = 0xfffff

/**
 * The first length from `from` (at least 64) to `end` at which the digest of the 64 bytes before it makes a cut; 0 if there is none.
 * Four digests are rolled side by side, each over a quarter: one alone would wait for its table at every byte.
 */
export function search(from: usize, end: usize): usize {
  const span = (end + 1 - from) / 4
  const second = from + span
  const third = second + span
  const fourth = third + span
  const rest = fourth + span
  let a = digestAt(from)
  let b = digestAt(second)
  let c = digestAt(third)
  let d = digestAt(fourth)
  let at: usize = 0
  for (; at < span; at++) {
    if (isCut(a) || isCut(b) || isCut(c) || isCut(d)) break
    a = roll(a, from + at)
    b = roll(b, second + at)
    c = roll(c, third + at)
    d = roll(d, fourth + at)
  }
  return (
    searchOne(a, from + at, second) ||
    searchOne(b, second + at, third) ||
    searchOne(c, third + at, fourth) ||
    searchOne(d, fourth + at, rest) ||
    searchOne(digestAt(rest), rest, end + 1)
  )
}

/** Up to, and not including, `end`. */
function searchOne(digest: u64, from: usize, end: usize): usize {
  for (let length = from; length < end; length++) {
    if (isCut(digest)) return length
    digest = roll(digest, length)
  }
  return 0
}

function digestAt(length: usize): u64 {
  let digest: u64 = 0
  for (let at = length - WINDOW_BYTES; at < length; at++) digest = append(digest, load<u8>(at, BYTES))
  return digest
}

// @ts-ignore: decorator
@inline
function roll(digest: u64, length: usize): u64 {
  const left = <usize>load<u8>(length, BYTES - WINDOW_BYTES)
  return append(digest, load<u8>(length, BYTES)) ^ load<u64>(left << 3, LEAVE)
}

// @ts-ignore: decorator
@inline
function append(digest: u64, byte: u8): u64 {
  return ((digest << 8) | byte) ^ load<u64>(<usize>(digest >> 42) & 0x7f8, APPEND)
}

// @ts-ignore: decorator
@inline
function isCut(digest: u64): bool {
  return (<u32>digest & CUT_MASK) == 0
}
