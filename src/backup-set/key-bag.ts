import { createDecipheriv, createSecretKey, type KeyObject, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { orAbort } from '../base/abort.ts'
import { viewOf } from '../base/bytes.ts'
import type { Secret } from '../base/secret.ts'
import { damaged } from './errors.ts'

/**
 * What the password has to do with a backup's keys (`BackupKeyBag` in `Manifest.plist`).
 * Source: docs/protocol/backup-set.md#key-bag
 */
export interface KeyBag {
  /** PBKDF2 with SHA-256 over the password, since iOS 10.2; undefined in older bags. */
  readonly firstRound: Stretching | undefined
  /** PBKDF2 with SHA-1 over what came before. */
  readonly lastRound: Stretching
  /** By number, the classes that the password alone opens: RFC 3394, 40 bytes around a key of 32. */
  readonly wrappedKeys: ReadonlyMap<number, Uint8Array>
}

export interface Stretching {
  readonly salt: Uint8Array
  readonly iterations: number
}

/** Real bags have 1,388 bytes. */
const BAG_BYTES_MAX = 64 * 1024
/** Phones write 10,000,000, which takes some three seconds; a hostile bag shall not cost more than a minute. */
const ITERATIONS_MAX = 100_000_000
const WRAPPED_KEY_BYTES = 40
const KEY_BYTES = 32

/** Reads a key bag. Unknown tags, and classes that need the phone itself, are passed over. Throws `backup-set.damaged`. */
export function parseKeyBag(bytes: Uint8Array): KeyBag {
  if (bytes.length > BAG_BYTES_MAX) throw damaged(`The key bag has ${bytes.length} bytes`)
  const [header, ...classes] = groupsIn(bytes)
  const isTwoRounds = header.has('DPSL') || header.has('DPIC')
  return {
    firstRound: isTwoRounds ? stretchingIn(header, { salt: 'DPSL', iterations: 'DPIC' }) : undefined,
    lastRound: stretchingIn(header, { salt: 'SALT', iterations: 'ITER' }),
    wrappedKeys: wrappedKeysIn(classes),
  }
}

/**
 * Opens the classes, at the cost of seconds on another thread. Undefined: the password is wrong, or what it is stretched
 * with was damaged, which cannot be told apart. Throws `backup-set.damaged` when it opens some of the classes only. Abort
 * rejects at once; the stretching that began goes on behind it.
 */
export async function unlockKeyBag(
  bag: KeyBag,
  password: Secret,
  { signal }: { signal: AbortSignal },
): Promise<ClassKeys | undefined> {
  const lock = await orAbort(lockOf(bag, password), signal)
  const keys = new Map<number, KeyObject>()
  for (const [number, wrapped] of bag.wrappedKeys) {
    const key = unwrapKey(lock, wrapped)
    if (key !== undefined) keys.set(number, key)
  }
  if (keys.size === 0) return undefined
  const closed = [...bag.wrappedKeys.keys()].filter((number) => !keys.has(number))
  if (closed.length > 0) throw damaged(`The password opens the key bag, but not its class ${closed.join(', ')}`)
  return new ClassKeys(keys)
}

/** The opened keys of a backup's protection classes. Nothing of them can be printed. */
export class ClassKeys {
  readonly #keys: ReadonlyMap<number, KeyObject>

  constructor(keys: ReadonlyMap<number, KeyObject>) {
    this.#keys = keys
  }

  /**
   * Opens the key of one file as records and `ManifestKey` hold it: u32 little-endian class, then RFC 3394, 44 bytes in all.
   * Throws `backup-set.damaged`, which says whose key it is.
   */
  unwrap(wrapped: Uint8Array, whose: string): KeyObject {
    if (wrapped.length !== 4 + WRAPPED_KEY_BYTES) throw damaged(`The key of ${whose} has ${wrapped.length} bytes`)
    const number = viewOf(wrapped).getUint32(0, true)
    const classKey = this.#keys.get(number)
    if (classKey === undefined) throw damaged(`The key of ${whose} is of class ${number}, which no password opens`)
    const key = unwrapKey(classKey, wrapped.subarray(4))
    if (key === undefined) throw damaged(`The key of ${whose} does not open`)
    return key
  }
}

type Tags = ReadonlyMap<string, Uint8Array>

/** The header, then one group for each class: the first `UUID` is the bag's own, every other one begins a class. */
function groupsIn(bytes: Uint8Array): [Tags, ...Tags[]] {
  let group = new Map<string, Uint8Array>()
  const groups: [Tags, ...Tags[]] = [group]
  for (const { name, value } of tagsIn(bytes)) {
    if (name === 'UUID' && group.has('UUID')) {
      group = new Map()
      groups.push(group)
    }
    if (group.has(name)) throw damaged(`The key bag has ${JSON.stringify(name)} twice`)
    group.set(name, value)
  }
  return groups
}

/** Four letters, u32 big-endian length, value; again and again. */
function* tagsIn(bytes: Uint8Array): Generator<{ readonly name: string; readonly value: Uint8Array }> {
  const view = viewOf(bytes)
  for (let at = 0; at < bytes.length; ) {
    const start = at + 8
    const end = start <= bytes.length ? start + view.getUint32(at + 4) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw damaged(`The key bag ends in the middle of a value at byte ${at} of ${bytes.length}`)
    yield { name: Buffer.from(bytes.subarray(at, at + 4)).toString('latin1'), value: bytes.subarray(start, end) }
    at = end
  }
}

function stretchingIn(header: Tags, tags: { readonly salt: string; readonly iterations: string }): Stretching {
  const iterations = numberIn(header, tags.iterations)
  if (iterations === 0 || iterations > ITERATIONS_MAX) throw damaged(`The key bag asks for ${iterations} iterations`)
  return { salt: valueIn(header, tags.salt), iterations }
}

/** `WRAP` of a class that needs nothing but the password; 3 needs a key that never leaves the phone, too. */
const PASSWORD_ONLY = 2

function wrappedKeysIn(classes: readonly Tags[]): ReadonlyMap<number, Uint8Array> {
  const keys = new Map<number, Uint8Array>()
  for (const tags of classes) {
    const number = numberIn(tags, 'CLAS')
    if (numberIn(tags, 'WRAP') !== PASSWORD_ONLY) continue
    const key = valueIn(tags, 'WPKY')
    if (key.length !== WRAPPED_KEY_BYTES)
      throw damaged(`The key bag's class ${number} has a key of ${key.length} bytes`)
    if (keys.has(number)) throw damaged(`The key bag has class ${number} twice`)
    keys.set(number, key)
  }
  if (keys.size === 0) throw damaged('The key bag has no class that a password opens')
  return keys
}

function numberIn(tags: Tags, name: string): number {
  const value = valueIn(tags, name)
  if (value.length !== 4) throw damaged(`${name} in the key bag has ${value.length} bytes`)
  return viewOf(value).getUint32(0)
}

function valueIn(tags: Tags, name: string): Uint8Array {
  const value = tags.get(name)
  if (value === undefined) throw damaged(`The key bag lacks ${name}`)
  return value
}

const stretch = promisify(pbkdf2)

/** The key that the classes' keys are wrapped with. */
async function lockOf({ firstRound, lastRound }: KeyBag, password: Secret): Promise<KeyObject> {
  const typed = Buffer.from(password.reveal())
  const first = firstRound && (await stretch(typed, firstRound.salt, firstRound.iterations, KEY_BYTES, 'sha256'))
  return createSecretKey(await stretch(first ?? typed, lastRound.salt, lastRound.iterations, KEY_BYTES, 'sha1'))
}

/** What RFC 3394 begins with, and checks at the end. */
const WRAP_IV = new Uint8Array(8).fill(0xa6)

/** Undefined when the integrity check fails, which the cipher tells by an error like any other. */
function unwrapKey(lock: KeyObject, wrapped: Uint8Array): KeyObject | undefined {
  const cipher = createDecipheriv('id-aes256-wrap', lock, WRAP_IV)
  try {
    return createSecretKey(Buffer.concat([cipher.update(wrapped), cipher.final()]))
  } catch {
    return undefined
  }
}
