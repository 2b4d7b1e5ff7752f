import assert from 'node:assert/strict'
import { type Cipheriv, createCipheriv, createDecipheriv, createMac, timingSafeEqual } from 'node:crypto'
import { equalBytes } from '../../base/bytes.ts'
import { fillRandom, randomBytes } from '../../base/random.ts'
import { discard } from '../memory.ts'

declare module 'node:crypto' {
  interface Mac {
    update(bytes: Uint8Array): Mac
    final(): Buffer
  }
  /** A message authentication code of OpenSSL: for `poly1305` the key has 32 bytes, and the tag 16. */
  export function createMac(algorithm: 'poly1305', key: Uint8Array): Mac
}

/** The keys that everything in a repository is sealed with. */
export interface MasterKey {
  /** AES-256, 32 bytes. */
  readonly encrypt: Uint8Array
  /** AES-128, 16 bytes: makes the second half of each one-time Poly1305 key. */
  readonly macK: Uint8Array
  /** 16 bytes: the first half of the one-time key; Poly1305 clamps it. */
  readonly macR: Uint8Array
}

/** The keys of a new repository. */
export function randomMasterKey(): MasterKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) }
}

const IV_BYTES = 16
const TAG_BYTES = 16
const SLICE_BYTES = 64 * 1024

/** How many bytes sealing adds. */
export const SEAL_BYTES = IV_BYTES + TAG_BYTES

/**
 * Seals and opens with one key: `IV(16) || AES-256-CTR || Poly1305-AES(16)`, the tag over the ciphertext alone, a fresh random IV
 * each time. Source: docs/protocol/restic-repository.md#envelope.
 */
export class Sealer {
  readonly #key: MasterKey
  readonly #nonceCipher: Cipheriv
  /** Random bytes are asked for many at a time, as each time costs more than the bytes. */
  readonly #randomBytes = new Uint8Array(IV_BYTES * 256)
  #randomUsed = this.#randomBytes.length

  constructor(key: MasterKey) {
    this.#key = key
    this.#nonceCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false)
  }

  /** The key itself, for those who must hand it on: another key file, a worker. */
  get masterKey(): MasterKey {
    return this.#key
  }

  seal(plain: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plain.length + SEAL_BYTES)
    this.sealInto(sealed, plain)
    return sealed
  }

  /** Writes the sealed bytes at the start of the target and returns how many they are: `plain.length + SEAL_BYTES`. */
  sealInto(target: Uint8Array<ArrayBuffer>, plain: Uint8Array): number {
    assert(target.length >= plain.length + SEAL_BYTES)
    const iv = target.subarray(0, IV_BYTES)
    iv.set(this.#freshIv())
    const ciphertext = target.subarray(IV_BYTES, IV_BYTES + plain.length)
    const cipher = createCipheriv('aes-256-ctr', this.#key.encrypt, iv)
    forEachSlice(plain, (slice, offset) => {
      const sealed = cipher.update(slice)
      ciphertext.set(sealed, offset)
      discard(sealed)
    })
    target.set(this.#tag(iv, ciphertext), IV_BYTES + plain.length)
    return plain.length + SEAL_BYTES
  }

  /** True if opening these bytes would give exactly that plain text. */
  isSealOf(plain: Uint8Array, sealed: Uint8Array): boolean {
    if (sealed.length !== plain.length + SEAL_BYTES) return false
    const iv = sealed.subarray(0, IV_BYTES)
    const ciphertext = sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES)
    const decipher = createDecipheriv('aes-256-ctr', this.#key.encrypt, iv)
    let same = equalBytes(this.#tag(iv, ciphertext), sealed.subarray(sealed.length - TAG_BYTES))
    forEachSlice(ciphertext, (slice, offset) => {
      const opened = decipher.update(slice)
      same &&= equalBytes(opened, plain.subarray(offset, offset + slice.length))
      discard(opened)
    })
    return same
  }

  /** The plain bytes; undefined when these bytes were not sealed with this key, or were changed since. */
  open(sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < SEAL_BYTES) return undefined
    const iv = sealed.subarray(0, IV_BYTES)
    const ciphertext = sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES)
    if (iv.every((byte) => byte === 0)) return undefined
    if (!timingSafeEqual(this.#tag(iv, ciphertext), sealed.subarray(sealed.length - TAG_BYTES))) return undefined
    return createDecipheriv('aes-256-ctr', this.#key.encrypt, iv).update(ciphertext)
  }

  #freshIv(): Uint8Array {
    if (this.#randomUsed === this.#randomBytes.length) {
      fillRandom(this.#randomBytes)
      this.#randomUsed = 0
    }
    this.#randomUsed += IV_BYTES
    return this.#randomBytes.subarray(this.#randomUsed - IV_BYTES, this.#randomUsed)
  }

  #tag(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const oneTimeKey = Buffer.concat([this.#key.macR, this.#nonceCipher.update(iv)])
    return createMac('poly1305', oneTimeKey).update(ciphertext).final()
  }
}

/** Slices of one size: memory of one size is found again easily, where pieces of any size would leave gaps. */
function forEachSlice(bytes: Uint8Array, work: (slice: Uint8Array, offset: number) => void): void {
  for (let offset = 0; offset < bytes.length; offset += SLICE_BYTES) {
    work(bytes.subarray(offset, offset + SLICE_BYTES), offset)
  }
}
