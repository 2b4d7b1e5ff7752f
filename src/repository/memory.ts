/** Buffers of the pool that small ones are cut from are not larger than this. */
const POOL_BYTES_MAX = Buffer.poolSize + 4096
const DISCARDED_BYTES_MIN = 4 * 1024

/**
 * Gives a buffer's memory back at once, not at some later collection: what passes through a writer is many times what it keeps, and
 * would pile up in between. Nobody may look at the bytes afterwards. What may be shared with others is left to the collector.
 */
export function discard(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes
  const isAlone = byteLength === buffer.byteLength || buffer.byteLength > POOL_BYTES_MAX
  if (isAlone && buffer.byteLength >= DISCARDED_BYTES_MIN && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
