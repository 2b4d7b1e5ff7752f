import { createCipheriv, createDecipheriv } from 'node:crypto'
import { BackupError, MB } from '../backup-error.ts'
import type { Sink } from '../host-drive.ts'

const BLOCK_BYTES = 16
/** Always zero: every file has a key of its own. */
const IV = new Uint8Array(BLOCK_BYTES)
const CIPHER = 'aes-256-cbc'

/** What a file of that size takes in an encrypted backup: PKCS#7 adds 1 to 16 bytes. */
export function encryptedSize(size: number): number {
  return size - (size % BLOCK_BYTES) + BLOCK_BYTES
}

/**
 * A file's bytes as an encrypted backup holds them: AES-256-CBC with a zero IV. Blocks have at least one byte, and grow by less
 * than 16. Ending early ends the input, too. Source: docs/protocol/mobilebackup2.md#encrypted-files
 */
export async function* encryptBlocks(
  key: Uint8Array,
  blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const cipher = createCipheriv(CIPHER, key, IV)
  for await (const block of blocks) {
    const encrypted = cipher.update(block)
    if (encrypted.length > 0) yield encrypted
  }
  yield cipher.final()
}

/** Decrypts a download on its way to `sink`. */
export interface Decryption {
  /** Takes the stored bytes, in pieces of any size. */
  readonly sink: Sink
  /** To be called after the last piece. Throws `BackupError` 11 when the key is another file's, or the file breaks off. */
  end(): Promise<void>
}

/** The inverse of `encryptBlocks`. Source: docs/protocol/mobilebackup2.md#encrypted-files */
export function decryptTo(key: Uint8Array, sink: Sink): Decryption {
  const decipher = createDecipheriv(CIPHER, key, IV)
  const pass = async (bytes: Uint8Array) => {
    if (bytes.length > 0) await sink(bytes)
  }
  return {
    sink: (piece) => pass(decipher.update(piece)),
    end: async () => await pass(finish(() => decipher.final())),
  }
}

function finish(final: () => Uint8Array): Uint8Array {
  try {
    return final()
  } catch {
    throw new BackupError(MB.unparsable, 'Encrypted data does not end as it should')
  }
}
