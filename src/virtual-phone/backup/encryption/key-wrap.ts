import { createCipheriv, createDecipheriv } from 'node:crypto'

/** What a wrapped 32-byte key has. */
export const WRAPPED_KEY_BYTES = 40

/** Found again by the one who unwraps, if the key is right. */
const CHECK_VALUE = Buffer.alloc(8, 0xa6)

/** Wraps one 32-byte key with another (AES-256, RFC 3394); always the same bytes for the same two keys. */
export function wrapKey(kek: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('id-aes256-wrap', kek, CHECK_VALUE)
  return Buffer.concat([cipher.update(key), cipher.final()])
}

/** Undefined when the key that wrapped it was another one, or the wrapped one is damaged. */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  if (wrapped.length !== WRAPPED_KEY_BYTES) return undefined
  const decipher = createDecipheriv('id-aes256-wrap', kek, CHECK_VALUE)
  try {
    return Buffer.concat([decipher.update(wrapped), decipher.final()])
  } catch {
    return undefined
  }
}
