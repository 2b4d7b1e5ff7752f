import { createCipheriv, hash } from 'node:crypto'

/** Bytes that look random, and are the same for the same seed: the key stream of a cipher. */
export function seededBytes(seed: number, size: number): Buffer {
  const key = hash('sha256', `seed ${seed}`, 'buffer')
  return createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(size))
}
