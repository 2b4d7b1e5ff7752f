import assert from 'node:assert/strict'
import { createHmac, hash, hkdfSync, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { concatBytes, utf8, viewOf } from '../../../base/bytes.ts'
import { Secret } from '../../../base/secret.ts'
import {
  type ClassFields,
  decodeKeyBag,
  encodeKeyBag,
  type KeyBagFields,
  type PasswordRounds,
} from './key-bag-format.ts'
import { unwrapKey, WRAPPED_KEY_BYTES, wrapKey } from './key-wrap.ts'

/** The class of files without protection, and of Manifest.db. */
export const CLASS_NONE = 4

/** How long an attacker, and the phone, has to calculate for one password; a real phone's take seconds. */
export const PHONE_ITERATIONS = 10_000_000

/**
 * The keys of a backup's protection classes, opened with a password. Those that need the phone's own key as well (classes 5 and
 * 9 to 11) are not among them.
 */
export class KeyBag {
  /** BackupKeyBag of Manifest.plist, byte for byte as it was read or made. */
  readonly bytes: Uint8Array
  readonly #fields: KeyBagFields
  readonly #classKeys: ReadonlyMap<number, Uint8Array>

  constructor({ bytes, fields, classKeys }: KeyBagParts) {
    this.bytes = bytes
    this.#fields = fields
    this.#classKeys = classKeys
  }

  has(protectionClass: number): boolean {
    return this.#classKeys.has(protectionClass)
  }

  /** An EncryptionKey or ManifestKey: u32 little-endian class and the wrapped 32-byte key, 44 bytes. `has` must be true of the class. */
  wrap(protectionClass: number, key: Uint8Array): Uint8Array {
    const head = new Uint8Array(4)
    viewOf(head).setUint32(0, protectionClass, true)
    return concatBytes([head, wrapKey(this.#classKey(protectionClass), key)])
  }

  /** The 32-byte key that `wrap` was given; undefined when it was wrapped for another bag or class, or is damaged. */
  unwrap(wrapped: Uint8Array): Uint8Array | undefined {
    if (wrapped.length < 4) return undefined
    const classKey = this.#classKeys.get(viewOf(wrapped).getUint32(0, true))
    return classKey && unwrapKey(classKey, wrapped.subarray(4))
  }

  /** A 32-byte key for one file, the same for the same purpose and bag: so an interrupted backup goes on with the keys it had. */
  makeKey(purpose: string): Uint8Array {
    return createHmac('sha256', this.#classKey(CLASS_NONE)).update(purpose).digest()
  }

  #classKey(protectionClass: number): Uint8Array {
    const key = this.#classKeys.get(protectionClass)
    assert(key !== undefined, `The key bag has no class ${protectionClass}`)
    return key
  }

  /** The same class keys under another password and with other salts. */
  async withPassword(password: Secret, iterations: number): Promise<KeyBag> {
    const rounds = makeRounds(hash('sha256', this.bytes), iterations)
    const kek = await keyEncryptionKey(password, rounds)
    const classes = this.#fields.classes.map((entry) => {
      const key = this.#classKeys.get(entry.protectionClass)
      return key === undefined ? entry : { ...entry, wrappedKey: wrapKey(kek, key) }
    })
    return newKeyBag({ ...this.#fields, rounds, classes }, this.#classKeys)
  }
}

interface KeyBagParts {
  readonly bytes: Uint8Array
  readonly fields: KeyBagFields
  readonly classKeys: ReadonlyMap<number, Uint8Array>
}

function newKeyBag(fields: KeyBagFields, classKeys: ReadonlyMap<number, Uint8Array>): KeyBag {
  return new KeyBag({ bytes: encodeKeyBag(fields), fields, classKeys })
}

const CLASS_KEY_BYTES = 32
const WRAP_PASSWORD = 2
const WRAP_PASSWORD_AND_PHONE = 3

/** Classes that the password alone opens: of files (1 to 4), and of keychain items that may move to another phone (6 to 8). */
const FILE_CLASSES: readonly number[] = [1, 2, 3, 4]
const PASSWORD_CLASSES: readonly number[] = [...FILE_CLASSES, 6, 7, 8]
const ALL_CLASSES: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]

export interface KeyBagOptions {
  readonly password: Secret
  /** Of the first PBKDF2. A phone: `PHONE_ITERATIONS`. */
  readonly iterations: number
  /** What UUIDs, salts and, together with the password, all keys are made from: the same seed makes the same bag. */
  readonly seed: string
}

/** A new bag with eleven classes, 1,388 bytes. Costs seconds of a thread with a real phone's iterations. */
export async function createKeyBag({ password, iterations, seed }: KeyBagOptions): Promise<KeyBag> {
  const rounds = makeRounds(seed, iterations)
  const kek = await keyEncryptionKey(password, rounds)
  const makeClassKey = (protectionClass: number) =>
    new Uint8Array(hkdfSync('sha256', password.reveal(), seed, `class ${protectionClass}`, CLASS_KEY_BYTES))
  const classKeys = new Map(PASSWORD_CLASSES.map((number) => [number, makeClassKey(number)]))
  const classes = ALL_CLASSES.map((number) => makeClass(seed, number, classKeys.get(number), kek)).reverse()
  const hmacKey = made(seed, 'HMAC key', WRAPPED_KEY_BYTES)
  return newKeyBag({ uuid: made(seed, 'UUID', 16), hmacKey, rounds, classes }, classKeys)
}

/** A class without a key is one that needs the phone's own: nobody else can tell what is in it. */
function makeClass(seed: string, protectionClass: number, key: Uint8Array | undefined, kek: Uint8Array): ClassFields {
  const label = `class ${protectionClass}`
  return {
    uuid: made(seed, `${label} UUID`, 16),
    protectionClass,
    wrap: key === undefined ? WRAP_PASSWORD_AND_PHONE : WRAP_PASSWORD,
    wrappedKey: key === undefined ? made(seed, label, WRAPPED_KEY_BYTES) : wrapKey(kek, key),
  }
}

/**
 * Opens BackupKeyBag; undefined when the password is not the one. A bag in which only some classes open counts as open.
 * Throws `BackupError` 11 for bytes that are no key bag.
 */
export async function openKeyBag(bytes: Uint8Array, password: Secret): Promise<KeyBag | undefined> {
  const fields = decodeKeyBag(bytes)
  const kek = await keyEncryptionKey(password, fields.rounds)
  const classKeys = new Map<number, Uint8Array>()
  for (const { protectionClass, wrap, wrappedKey } of fields.classes) {
    const key = wrap === WRAP_PASSWORD ? unwrapKey(kek, wrappedKey) : undefined
    if (key !== undefined) classKeys.set(protectionClass, key)
  }
  return classKeys.size === 0 ? undefined : new KeyBag({ bytes, fields, classKeys })
}

/**
 * The bag of an unencrypted backup, 1,336 bytes: locked with the empty password, which opens classes 1 to 4. A phone always has
 * the same one; there is no secret in it.
 */
export async function createUnlockedKeyBag(udid: string): Promise<Uint8Array> {
  const rounds = { salt: made(udid, 'salt', 20), iterations: LAST_ITERATIONS, first: undefined }
  const kek = await keyEncryptionKey(new Secret(''), rounds)
  const keyOf = (number: number) =>
    FILE_CLASSES.includes(number) ? made(udid, `class ${number} key`, CLASS_KEY_BYTES) : undefined
  const classes = ALL_CLASSES.map((number) => makeClass(udid, number, keyOf(number), kek))
  return encodeKeyBag({ uuid: made(udid, 'UUID', 16), hmacKey: new Uint8Array(WRAPPED_KEY_BYTES), rounds, classes })
}

const LAST_ITERATIONS = 10_000

function makeRounds(seed: string, iterations: number): PasswordRounds {
  return {
    salt: made(seed, 'salt', 20),
    iterations: LAST_ITERATIONS,
    first: { salt: made(seed, 'first salt', 20), iterations },
  }
}

/** Source: docs/protocol/mobilebackup2.md#key-bag */
async function keyEncryptionKey(password: Secret, { salt, iterations, first }: PasswordRounds): Promise<Uint8Array> {
  const typed = utf8(password.reveal())
  const stretched = first === undefined ? typed : await derive(typed, first.salt, first.iterations, 32, 'sha256')
  return await derive(stretched, salt, iterations, 32, 'sha1')
}

const derive = promisify(pbkdf2)

/** Bytes that look like chance, and are the same for the same seed and label. */
function made(seed: string, label: string, size: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', seed, '', label, size))
}
