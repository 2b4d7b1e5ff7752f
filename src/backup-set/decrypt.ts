import { createDecipheriv, type KeyObject } from 'node:crypto'
import { altered, damaged } from './errors.ts'

const BLOCK_BYTES = 16
const ZERO_IV = new Uint8Array(BLOCK_BYTES)

export interface Decryption {
  readonly key: KeyObject
  /** For messages: which file it is. */
  readonly what: string
  /** What the index says the content's length is, for an end without valid padding; undefined: such an end is content. */
  readonly sizeBytes: number | undefined
}

/**
 * AES-256-CBC with an IV of zeros, as the content arrives; its padding (PKCS #7) is left out. Holds two pieces at most.
 * Phones pad every file, so one whose padding is not valid was changed, decrypts with another key, or comes from another
 * program: it ends by `sizeBytes` if that lies in its last block, with `backup-set.altered` after all content; else it is
 * `backup-set.damaged`, as is content that was cut off. Source: docs/protocol/backup-set.md#encryption
 */
export async function* decrypt(
  content: AsyncIterable<Uint8Array>,
  { key, what, sizeBytes }: Decryption,
): AsyncGenerator<Uint8Array> {
  const cipher = createDecipheriv('aes-256-cbc', key, ZERO_IV).setAutoPadding(false)
  let held: Uint8Array = new Uint8Array(0)
  let storedBytes = 0
  for await (const piece of content) {
    storedBytes += piece.length
    const plain = cipher.update(piece)
    if (plain.length === 0) continue
    if (held.length > 0) yield held
    held = plain
  }
  if (storedBytes === 0 && sizeBytes === 0) return
  if (storedBytes === 0 || storedBytes % BLOCK_BYTES !== 0) throw damaged(`${what} was cut off at ${storedBytes} bytes`)
  const paddingBytes = paddingOf(held)
  const over = paddingBytes ?? bytesOver({ storedBytes, sizeBytes: sizeBytes ?? storedBytes })
  if (over === undefined) throw damaged(`${what} does not decrypt to its end: it was cut off or changed`)
  if (over < held.length) yield held.subarray(0, held.length - over)
  if (paddingBytes === undefined && sizeBytes !== undefined) throw altered(`${what} does not end as phones end files`)
}

/** Undefined when the end of the content is no valid padding. */
function paddingOf(end: Uint8Array): number | undefined {
  const count = end.at(-1) ?? 0
  const isPadding = count >= 1 && count <= BLOCK_BYTES && end.subarray(-count).every((byte) => byte === count)
  return isPadding ? count : undefined
}

/** How much is stored after the content; undefined when that would be more than a block, or less than nothing. */
export function bytesOver({ storedBytes, sizeBytes }: { storedBytes: number; sizeBytes: number }): number | undefined {
  const over = storedBytes - sizeBytes
  return over >= 0 && over <= BLOCK_BYTES ? over : undefined
}
