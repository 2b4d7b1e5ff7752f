import { promisify } from 'node:util'
import { constants, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { concatBytes, viewOf } from '../../base/bytes.ts'

const decompressAside = promisify<Uint8Array, object, Uint8Array>(zstdDecompress)

/** Below this the hand-over to another thread costs more than the work. */
const ASIDE_BYTES_MIN = 64 * 1024
/** Smaller blobs gain next to nothing by a higher level, which would cost a half more. */
const LARGE_BYTES = 128 * 1024
/** 512 KiB, as restic has it: more makes blobs hardly smaller, but costs both ends that much memory for each of them. */
const WINDOW_BITS = 19

/** One zstd frame. */
export function compressNow(plain: Uint8Array): Uint8Array {
  return zstdCompressSync(plain, options(plain.length, plain.length < LARGE_BYTES ? 2 : 3))
}

const SAMPLES = 4
const SAMPLE_BYTES = 8 * 1024

/** Whether samples from all over a large blob do not shrink at all: photos, video, encrypted files. */
export function looksRandom(plain: Uint8Array): boolean {
  if (plain.length < LARGE_BYTES) return false
  const step = Math.floor((plain.length - SAMPLE_BYTES) / (SAMPLES - 1))
  const samples = concatBytes(
    Array.from({ length: SAMPLES }, (_, index) => plain.subarray(index * step, index * step + SAMPLE_BYTES)),
  )
  return zstdCompressSync(samples, options(samples.length, 1)).length >= samples.length * 0.98
}

const ZSTD_MAGIC = 0xfd2fb528
/** The frame's descriptor: no window, no checksum, and the plain size as a u32. */
const SINGLE_SEGMENT_U32 = 0b1010_0000
const FRAME_HEADER_BYTES = 9
const BLOCK_HEADER_BYTES = 3
const BLOCK_BYTES_MAX = 128 * 1024
const RAW_BLOCK = 0
const LAST_BLOCK = 1

/** How many bytes `storeNow` makes of so many. */
export function storedBytes(plainBytes: number): number {
  return FRAME_HEADER_BYTES + plainBytes + Math.max(1, Math.ceil(plainBytes / BLOCK_BYTES_MAX)) * BLOCK_HEADER_BYTES
}

/**
 * A zstd frame of raw blocks, as zstd makes it of what does not shrink, without the attempt; at the start of the target.
 * Source: docs/protocol/restic-repository.md#stored-frames.
 */
export function storeNow(plain: Uint8Array, target: Uint8Array): Uint8Array {
  const view = viewOf(target)
  view.setUint32(0, ZSTD_MAGIC, true)
  target[4] = SINGLE_SEGMENT_U32
  view.setUint32(5, plain.length, true)
  let at = FRAME_HEADER_BYTES
  for (let offset = 0; offset < plain.length; offset += BLOCK_BYTES_MAX) {
    const block = plain.subarray(offset, offset + BLOCK_BYTES_MAX)
    const last = offset + block.length === plain.length ? LAST_BLOCK : 0
    view.setUint32(at, (block.length << 3) | (RAW_BLOCK << 1) | last, true)
    target.set(block, at + BLOCK_HEADER_BYTES)
    at += BLOCK_HEADER_BYTES + block.length
  }
  return target.subarray(0, at)
}

/**
 * The plain bytes of a frame of raw blocks, piece by piece where they lie; undefined if it is not exactly one such frame.
 * What `storeNow` wrote is read back so without room for another copy.
 */
export function storedPieces(frame: Uint8Array): readonly Uint8Array[] | undefined {
  if (frame.length < FRAME_HEADER_BYTES) return undefined
  const view = viewOf(frame)
  if (view.getUint32(0, true) !== ZSTD_MAGIC || frame[4] !== SINGLE_SEGMENT_U32) return undefined
  const pieces: Uint8Array[] = []
  let missingBytes = view.getUint32(5, true)
  for (let at = FRAME_HEADER_BYTES; at + BLOCK_HEADER_BYTES <= frame.length; ) {
    const header = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16)
    const piece = frame.subarray(at + BLOCK_HEADER_BYTES, at + BLOCK_HEADER_BYTES + (header >> 3))
    at += BLOCK_HEADER_BYTES + piece.length
    missingBytes -= piece.length
    if (((header >> 1) & 3) !== RAW_BLOCK || piece.length !== header >> 3 || piece.length > BLOCK_BYTES_MAX)
      return undefined
    pieces.push(piece)
    if ((header & 1) === LAST_BLOCK) return at === frame.length && missingBytes === 0 ? pieces : undefined
  }
  return undefined
}

/** The plain bytes of a zstd frame. Rejects if it is none, or if it holds more than `sizeMax` bytes. */
export async function decompress(frame: Uint8Array, sizeMax: number): Promise<Uint8Array> {
  if (sizeMax < ASIDE_BYTES_MIN) return decompressNow(frame, sizeMax)
  return await decompressAside(frame, limitsOf(sizeMax))
}

/** As `decompress`, on this thread; throws. */
export function decompressNow(frame: Uint8Array, sizeMax: number): Uint8Array {
  return zstdDecompressSync(frame, limitsOf(sizeMax))
}

function limitsOf(sizeMax: number): { chunkSize: number; maxOutputLength: number } {
  return { chunkSize: roomFor(sizeMax), maxOutputLength: Math.max(1, sizeMax) }
}

/** As `decompress`, for frames whose size is not known: grows as it goes, up to the limit. */
export async function decompressUnknown(frame: Uint8Array, sizeMax: number): Promise<Uint8Array> {
  return await decompressAside(frame, { chunkSize: 256 * 1024, maxOutputLength: sizeMax })
}

function options(plainBytes: number, level: number): { chunkSize: number; params: Record<number, number> } {
  const worst = plainBytes + Math.ceil(plainBytes / 128) + 1024
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: WINDOW_BITS }
  return { chunkSize: worst < POOLED_BYTES_MAX ? worst : roomFor(Math.max(worst, ASIDE_BYTES_MIN)), params }
}

/** Frames beyond this get memory of their own, which can be given back at once. */
const POOLED_BYTES_MAX = 8 * 1024
const ROOM_STEP_BYTES = 128 * 1024

/** Room for all output at once, so that zlib need not grow it; in few sizes, so that freed memory fits again. */
function roomFor(bytes: number): number {
  if (bytes < ASIDE_BYTES_MIN) return Math.max(64, bytes)
  return Math.ceil(bytes / ROOM_STEP_BYTES) * ROOM_STEP_BYTES
}
