import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'

const compressAside = promisify<Uint8Array, object, Uint8Array>(zstdCompress)
const decompressAside = promisify<Uint8Array, object, Uint8Array>(zstdDecompress)

/** Below this the hand-over to another thread costs more than the work. */
const ASIDE_BYTES_MIN = 64 * 1024
const PROBE_BYTES = 32 * 1024
/** 512 KiB, as restic has it: more makes blobs hardly smaller, but costs both ends that much memory for each of them. */
const WINDOW_BITS = 19

/** One zstd frame. Large pieces are compressed on the thread pool, so that a few of them can go on at once. */
export async function compress(plain: Uint8Array): Promise<Uint8Array> {
  if (plain.length < ASIDE_BYTES_MIN) return compressNow(plain)
  return await compressAside(plain, options(plain.length, looksRandom(plain) ? 1 : 3))
}

/** As `compress`, on this thread. */
export function compressNow(plain: Uint8Array): Uint8Array {
  return zstdCompressSync(plain, options(plain.length, 3))
}

/** The plain bytes of a zstd frame. Rejects if it is none, or if it holds more than `sizeMax` bytes. */
export async function decompress(frame: Uint8Array, sizeMax: number): Promise<Uint8Array> {
  const limits = { chunkSize: roomFor(sizeMax), maxOutputLength: Math.max(1, sizeMax) }
  if (sizeMax < ASIDE_BYTES_MIN) return zstdDecompressSync(frame, limits)
  return await decompressAside(frame, limits)
}

/** As `decompress`, for frames whose size is not known: grows as it goes, up to the limit. */
export async function decompressUnknown(frame: Uint8Array, sizeMax: number): Promise<Uint8Array> {
  return await decompressAside(frame, { chunkSize: 256 * 1024, maxOutputLength: sizeMax })
}

function options(plainBytes: number, level: number): { chunkSize: number; params: Record<number, number> } {
  const worst = plainBytes + Math.ceil(plainBytes / 128) + 1024
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: WINDOW_BITS }
  return { chunkSize: roomFor(worst), params }
}

const ROOM_STEP_BYTES = 128 * 1024

/** Room for all output at once, so that zlib need not grow it; in few sizes, so that freed memory fits again. */
function roomFor(bytes: number): number {
  if (bytes < ASIDE_BYTES_MIN) return Math.max(64, bytes)
  return Math.ceil(bytes / ROOM_STEP_BYTES) * ROOM_STEP_BYTES
}

/** A sample from the middle that does not shrink at all: photos, video, encrypted files. */
function looksRandom(plain: Uint8Array): boolean {
  const from = (plain.length - PROBE_BYTES) >>> 1
  const probe = zstdCompressSync(plain.subarray(from, from + PROBE_BYTES), options(PROBE_BYTES, 1))
  return probe.length >= PROBE_BYTES * 0.98
}
