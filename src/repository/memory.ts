/** Smaller buffers may share their memory with others. */
const OWN_BYTES_MIN = 256 * 1024

/**
 * Gives a large buffer's memory back at once, not at some later collection: what passes through a writer is many times what it
 * keeps, and would pile up in between. Nobody may look at the bytes afterwards.
 */
export function discard(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= OWN_BYTES_MIN) buffer.transfer(0)
}
