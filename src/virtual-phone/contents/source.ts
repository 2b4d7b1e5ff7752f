import { createCipheriv } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { WaitOptions } from '../../base/channel.ts'
import { seededRandom } from '../../base/random.ts'

/** The largest block that `Source.blocks` yields. */
export const BLOCK_BYTES_MAX = 256 * 1024

/** Tells a source which of the many files it makes is wanted. */
export interface Recipe {
  /** A whole number below 2^53; equal seeds and sizes give equal bytes. */
  readonly seed: number
  readonly size: number
}

/** Makes the bytes of a file while somebody reads them. Blocks have 1 to `BLOCK_BYTES_MAX` bytes and must not be changed. */
export interface Source {
  blocks(recipe: Recipe, options: WaitOptions): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/** Bytes that are held in memory. The recipe is ignored. */
export function literal(bytes: Uint8Array): Source {
  return { blocks: () => slices(bytes) }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += BLOCK_BYTES_MAX) {
    yield bytes.subarray(offset, offset + BLOCK_BYTES_MAX)
  }
}

/** A file on this machine, read up to the size that it has now. */
export function diskFile(path: string): Source {
  return { blocks: (_recipe, options) => diskBlocks(path, options) }
}

async function* diskBlocks(path: string, { signal }: WaitOptions): AsyncGenerator<Uint8Array> {
  await using file = await open(path, 'r')
  for (;;) {
    signal.throwIfAborted()
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(BLOCK_BYTES_MAX) })
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Bytes that no compressor can shrink: an AES-CTR key stream whose first counter block is the seed. */
export const noise: Source = { blocks: ({ seed, size }) => noiseBlocks(seed, size) }

const NOISE_KEY = Buffer.from('phonekeep noise!', 'ascii')
const ZEROS = Buffer.alloc(BLOCK_BYTES_MAX)

function* noiseBlocks(seed: number, size: number): Generator<Uint8Array> {
  if (size === 0) return
  const counter = Buffer.alloc(16)
  counter.writeUInt32BE(Math.floor(seed / 2 ** 32), 0)
  counter.writeUInt32BE(seed >>> 0, 4)
  const cipher = createCipheriv('aes-128-ctr', NOISE_KEY, counter)
  for (let left = size; left > 0; left -= BLOCK_BYTES_MAX) {
    yield cipher.update(left < BLOCK_BYTES_MAX ? ZEROS.subarray(0, left) : ZEROS)
  }
}

/** Words and spaces, ASCII, nothing that JSON or XML would have to escape. The seed says where in the text to begin. */
export const words: Source = { blocks: ({ seed, size }) => wordBlocks(seed, size) }

function* wordBlocks(seed: number, size: number): Generator<Uint8Array> {
  const text = wordStock()
  let offset = seed % text.length
  for (let left = size; left > 0; ) {
    const block = text.subarray(offset, offset + left)
    yield block
    left -= block.length
    offset = 0
  }
}

const VOCABULARY =
  'the bread is ready when you come home tonight and we walk along river before rain begins again train late photo garden music letter tomorrow kitchen window harbour winter seven eleven green small quiet bright coffee paper mountain'.split(
    ' ',
  )

let stock: Uint8Array | undefined

function wordStock(): Uint8Array {
  if (stock !== undefined) return stock
  const random = seededRandom(1)
  let text = ''
  while (text.length < BLOCK_BYTES_MAX) text += `${random.pick(VOCABULARY)} `
  stock = Buffer.from(text.slice(0, BLOCK_BYTES_MAX), 'ascii')
  return stock
}

/** A sentence of about that many words, for rows of databases. */
export function sentence(random: { pick<Item>(items: readonly Item[]): Item }, wordCount: number): string {
  return Array.from({ length: wordCount }, () => random.pick(VOCABULARY)).join(' ')
}
