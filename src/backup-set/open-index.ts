import type { KeyObject } from 'node:crypto'
import { mkdtempDisposable, open } from 'node:fs/promises'
import { join } from 'node:path'
import { isAppError } from '../base/errors.ts'
import { namingPath } from '../base/folders.ts'
import type { Secret } from '../base/secret.ts'
import type { BackupFile, BackupFiles } from './backup-files.ts'
import { decrypt } from './decrypt.ts'
import { damaged, encrypted, missing, unsupported, wrongPassword } from './errors.ts'
import { type ClassKeys, parseKeyBag, unlockKeyBag } from './key-bag.ts'
import { type BackupManifest, parseManifest } from './manifest.ts'
import { isDatabase, type ManifestDb, openManifestDb } from './manifest-db.ts'
import { type BackupStatus, parseStatus } from './status.ts'

/** What a backup says of itself, and the keys to the rest. */
export interface OpenIndex {
  readonly manifest: BackupManifest
  readonly status: BackupStatus
  /** Undefined when the files of the backup are not encrypted. */
  readonly keys: ClassKeys | undefined
  readonly db: ManifestDb
}

/** A password, or where to get it: asked only when it is needed, and each time it is. */
export type PasswordSource = Secret | (() => Promise<Secret>)

interface OpenIndexOptions {
  readonly password?: PasswordSource | undefined
  readonly tempFolder: string
  readonly signal: AbortSignal
}

/** Opens the index of a backup; the copy of `Manifest.db` that it reads belongs to `opened`. Throws as `openBackupSet` does. */
export async function openIndex(
  files: BackupFiles,
  opened: AsyncDisposableStack,
  { password, tempFolder, signal }: OpenIndexOptions,
): Promise<OpenIndex> {
  const manifest = await readPlist(files, 'Manifest.plist', parseManifest, signal)
  const status = await readPlist(files, 'Status.plist', parseStatus, signal)
  const isPlain = await isDatabase((await openManifestFile(files, signal)).content)
  const indexKey = isPlain ? undefined : wrappedIndexKey(manifest)
  const keys = needsKeys(manifest, isPlain) ? await openKeys(manifest, password, signal) : undefined
  const { content } = await openManifestFile(files, signal)
  const { path: folder } = opened.use(await mkdtempDisposable(join(tempFolder, 'phonekeep-index-')))
  const path = join(folder, 'Manifest.db')
  await writeNew(path, keys && indexKey ? decryptIndex(content, keys.unwrap(indexKey, 'Manifest.db')) : content)
  return { manifest, status, keys, db: opened.use(openDecrypted(path)) }
}

/**
 * An index that is encrypted needs keys, whatever the manifest says. With iOS 10.1 it is not, but the files are; where there is
 * a key for it and yet it is not, some tool has decrypted the whole backup.
 * Source: docs/protocol/backup-set.md#encryption
 */
function needsKeys({ isEncrypted, manifestKey }: BackupManifest, isPlain: boolean): boolean {
  return !isPlain || (isEncrypted && manifestKey === undefined)
}

async function openKeys(
  { keyBag }: BackupManifest,
  password: PasswordSource | undefined,
  signal: AbortSignal,
): Promise<ClassKeys> {
  if (keyBag === undefined) throw damaged('The backup is encrypted, and Manifest.plist has no key bag')
  const bag = parseKeyBag(keyBag)
  if (password === undefined) throw encrypted('The backup is encrypted')
  const keys = await unlockKeyBag(bag, typeof password === 'function' ? await password() : password, { signal })
  if (keys === undefined) throw wrongPassword()
  return keys
}

function wrappedIndexKey({ manifestKey }: BackupManifest): Uint8Array {
  if (manifestKey === undefined) throw damaged('Manifest.db is no database, and Manifest.plist has no key for it')
  return manifestKey
}

function decryptIndex(content: AsyncIterable<Uint8Array>, key: KeyObject): AsyncIterable<Uint8Array> {
  return decrypt(content, { key, what: 'Manifest.db', sizeBytes: undefined })
}

function openDecrypted(path: string): ManifestDb {
  try {
    return openManifestDb(path)
  } catch (error) {
    if (isAppError(error, 'backup-set.encrypted')) throw damaged('Manifest.db does not decrypt to a database', error)
    throw error
  }
}

async function openManifestFile(files: BackupFiles, signal: AbortSignal): Promise<BackupFile> {
  const file = await files.open('Manifest.db', { signal })
  if (file !== undefined) return file
  const older = await files.open('Manifest.mbdb', { signal })
  throw older === undefined ? missing('There is no Manifest.db') : unsupported('The backup is of iOS 9 or older')
}

/** Real ones have at most 1 MB. */
const PLIST_BYTES_MAX = 64 * 2 ** 20

async function readPlist<Parsed>(
  files: BackupFiles,
  name: string,
  parse: (bytes: Uint8Array) => Parsed,
  signal: AbortSignal,
): Promise<Parsed> {
  const file = await files.open(name, { signal })
  if (file === undefined) throw missing(`There is no ${name}`)
  if (file.bytes > PLIST_BYTES_MAX) throw damaged(`${name} has ${file.bytes} bytes`)
  const bytes = Buffer.concat(await Array.fromAsync(file.content))
  try {
    return parse(bytes)
  } catch (error) {
    if (isAppError(error, 'plist.malformed') || isAppError(error, 'plist.too-big')) {
      throw damaged(`${name} cannot be read`, error)
    }
    throw error
  }
}

async function writeNew(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  for await (const piece of content) await namingPath(path, () => file.writeFile(piece))
}
