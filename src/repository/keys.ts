import { NEVER } from '../base/abort.ts'
import { equalBytes } from '../base/bytes.ts'
import type { Secret } from '../base/secret.ts'
import { pathOf, type StoredName } from './backend/backend.ts'
import { damaged, keyNeeded, keysFull, keyUnclear } from './errors.ts'
import type { MasterKey } from './format/crypto.ts'
import { type Id, sha256 } from './format/id.ts'
import {
  decodeKeyFile,
  decodeKeyLabel,
  encodeKeyFile,
  KDF_DEFAULT,
  type KdfCost,
  type KeyLabel,
  type StoredKeyLabel,
} from './format/key.ts'
import { KEY_FILE_BYTES_MAX, KEYS_TRIED_MAX, type Repository } from './repository.ts'

/** One of the keys of a repository: each is a password that opens it. */
export interface RepositoryKey extends StoredKeyLabel {
  readonly id: Id
  /** The repository was opened with this one. */
  readonly isCurrent: boolean
}

/** A key to be made. */
export interface NewKey {
  readonly password: Secret
  readonly label: KeyLabel
  readonly kdf?: KdfCost
}

interface SignalOption {
  readonly signal: AbortSignal
}

/** All keys, oldest first. A file that is no key, or not what its name says, is `repo.damaged`. */
export async function listKeys(repository: Repository, { signal }: SignalOption): Promise<readonly RepositoryKey[]> {
  const keys: RepositoryKey[] = []
  for await (const { id } of repository.backend.list('key', { signal })) {
    const file = await loadKeyFile(repository, id, signal)
    if (file === undefined) continue
    keys.push({ id, ...decodeKeyLabel(file, pathOf({ kind: 'key', id })), isCurrent: id === repository.keyId })
  }
  return keys.sort((left, right) => (left.created < right.created ? -1 : left.created > right.created ? 1 : 0))
}

/**
 * Adds a key, and opens it again before it counts. Hold a shared lock meanwhile. Throws `repo.keys-full`: a key beyond the
 * number that programs try might be one that is never found.
 */
export async function addKey(
  repository: Repository,
  { password, label, kdf = KDF_DEFAULT, signal }: NewKey & SignalOption,
): Promise<Id> {
  const keys = await Array.fromAsync(repository.backend.list('key', { signal }))
  if (keys.length >= KEYS_TRIED_MAX) throw keysFull(KEYS_TRIED_MAX)
  const { masterKey } = repository.sealer
  const file = await encodeKeyFile(masterKey, { password, cost: kdf, label })
  const name = { kind: 'key', id: sha256(file) } as const
  await repository.backend.save(name, [file], { signal })
  try {
    const stored = await loadKeyFile(repository, name.id, signal)
    const opened = stored && (await decodeKeyFile(stored, { password, what: pathOf(name) }))
    if (opened === undefined || !isSameKey(opened, masterKey))
      throw damaged(pathOf(name), 'it did not read back as written')
  } catch (error) {
    await repository.backend.remove(name, { signal: NEVER }).catch(() => undefined)
    throw error
  }
  return name.id
}

/**
 * Removes the key whose id begins so; its password opens nothing any more. Hold an exclusive lock meanwhile.
 * Throws `repo.key-unclear`, and `repo.key-needed` for the last key and for the one that the repository was opened with.
 */
export async function removeKey(repository: Repository, wanted: string, { signal }: SignalOption): Promise<Id> {
  const keys = await Array.fromAsync(repository.backend.list('key', { signal }))
  const matches = wanted === '' ? [] : keys.filter(({ id }) => id.startsWith(wanted))
  const [key] = matches
  if (key === undefined || matches.length > 1) throw keyUnclear(wanted, matches.length)
  if (key.id === repository.keyId) throw keyNeeded('The repository was opened with this very key')
  if (keys.length === 1) throw keyNeeded('This is the last key of the repository')
  await repository.backend.remove({ kind: 'key', id: key.id }, { signal })
  return key.id
}

/**
 * Puts a new password in the place of the one that the repository was opened with. Hold an exclusive lock meanwhile. Interrupted,
 * it leaves both. The other keys stay as they are.
 */
export async function changePassword(repository: Repository, { signal, ...key }: NewKey & SignalOption): Promise<Id> {
  const id = await addKey(repository, { ...key, signal })
  if (repository.keyId !== undefined) await repository.backend.remove({ kind: 'key', id: repository.keyId }, { signal })
  return id
}

function isSameKey(left: MasterKey, right: MasterKey): boolean {
  const sameMac = equalBytes(left.macK, right.macK) && equalBytes(left.macR, right.macR)
  return sameMac && equalBytes(left.encrypt, right.encrypt)
}

/** Undefined if there is no such file. Throws `repo.damaged`. */
async function loadKeyFile(repository: Repository, id: Id, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const name: StoredName = { kind: 'key', id }
  const file = await repository.backend.load(name, { offset: 0, length: KEY_FILE_BYTES_MAX + 1 }, { signal })
  if (file === undefined) return undefined
  if (file.length > KEY_FILE_BYTES_MAX || sha256(file) !== id)
    throw damaged(pathOf(name), 'its content does not match its name')
  return file
}
