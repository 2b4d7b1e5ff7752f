import assert from 'node:assert/strict'
import { createHash, type Hash } from 'node:crypto'
import { equalBytes } from '../base/bytes.ts'
import type { BackupFile, BackupFiles } from './backup-files.ts'
import { decrypt } from './decrypt.ts'
import { altered, damaged, dataMissing } from './errors.ts'
import { dataPathOf, type FileId, fileIdOf } from './file-id.ts'
import { decodeFileRecord, type FileRecord } from './file-record.ts'
import type { ClassKeys } from './key-bag.ts'
import type { BackupManifest } from './manifest.ts'
import { type ManifestDb, type ManifestRow, type RowsOptions, unlessBad } from './manifest-db.ts'
import { openIndex, type PasswordSource } from './open-index.ts'
import type { BackupStatus } from './status.ts'

/**
 * A finished backup, encrypted or not, open for reading. Whoever opened it disposes it, after the last `read` has ended: that
 * removes the decrypted index.
 */
export interface BackupSet extends AsyncDisposable {
  readonly manifest: BackupManifest
  readonly status: BackupStatus
  /** Whether its files were decrypted, and a password was needed for that. */
  readonly isEncrypted: boolean
  /**
   * Everything the backup holds, or a selection, in no order that means anything, read as the caller goes on. Throws
   * `backup-set.damaged` where the index does not hold together. Blocks the thread for some microseconds an entry.
   */
  entries(options?: EntriesOptions): Generator<BackupSetEntry, void, undefined>
  /** Throws `backup-set.bad-row`, `backup-set.damaged`. */
  find(name: { readonly domain: string; readonly relativePath: string }): BackupSetEntry | undefined
  /**
   * The content of a file as the phone had it. Its length may differ from the record's `sizeBytes`: that is normal for
   * databases. Throws `backup-set.data-missing`, `backup-set.damaged` (before or after the first bytes) and, after all
   * bytes, `backup-set.altered`; and what the source of the files throws.
   */
  read(entry: BackupSetEntry, options: { signal: AbortSignal }): AsyncIterable<Uint8Array>
}

/** One file, folder or link of the phone. */
export interface BackupSetEntry {
  readonly fileId: FileId
  readonly domain: string
  /** Within the domain, "" for its root. Text from the phone: never a path of this machine. */
  readonly relativePath: string
  readonly kind: BackupEntryKind
  readonly record: FileRecord
}

/** Which part of a backup; all of it when nothing is said. */
export interface BackupSelection {
  /** Exactly this one. */
  readonly domain?: string | undefined
  /** This path of a domain and everything below. */
  readonly path?: string | undefined
}

/** What there is in a backup; `other` is what nobody knows the meaning of. */
export type BackupEntryKind = ManifestRow['kind']

export interface EntriesOptions extends BackupSelection, RowsOptions {
  /** Records of other kinds are not even looked at. */
  readonly kind?: BackupEntryKind | undefined
}

export interface OpenBackupSetOptions {
  /** Only used if the backup is encrypted. */
  readonly password?: PasswordSource | undefined
  /** Where the index is put, decrypted, in a folder of its own for this user only: up to 2 GB for phones with a million files. */
  readonly tempFolder: string
  readonly signal: AbortSignal
}

/**
 * Opens a backup of iOS 10.1 or later. Throws `backup-set.encrypted` when a password is needed, before anything costly is
 * done; `backup-set.wrong-password`, `backup-set.missing`, `backup-set.unsupported`, `backup-set.damaged`; and what the
 * source of the files throws. Source: docs/protocol/backup-set.md
 */
export async function openBackupSet(files: BackupFiles, options: OpenBackupSetOptions): Promise<BackupSet> {
  await using opened = new AsyncDisposableStack()
  const { db, ...parts } = await openIndex(files, opened, options)
  return new OpenBackupSet({ ...parts, db, files, opened: opened.move() })
}

interface Parts {
  readonly files: BackupFiles
  readonly manifest: BackupManifest
  readonly status: BackupStatus
  readonly keys: ClassKeys | undefined
  readonly db: ManifestDb
  readonly opened: AsyncDisposableStack
}

class OpenBackupSet implements BackupSet {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get manifest(): BackupManifest {
    return this.#parts.manifest
  }

  get status(): BackupStatus {
    return this.#parts.status
  }

  get isEncrypted(): boolean {
    return this.#parts.keys !== undefined
  }

  *entries(options: EntriesOptions = {}): Generator<BackupSetEntry, void, undefined> {
    for (const row of this.#parts.db.rows(options)) {
      if (!isSelected(row, options)) continue
      const entry = unlessBad(() => entryOf(row), options)
      if (entry !== undefined) yield entry
    }
  }

  find(name: { readonly domain: string; readonly relativePath: string }): BackupSetEntry | undefined {
    const row = this.#parts.db.find(fileIdOf(name))
    return row && entryOf(row)
  }

  async *read(entry: BackupSetEntry, { signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    assert(entry.kind === 'file', 'Only files have content')
    const { files, keys } = this.#parts
    const stored = await files.open(dataPathOf(entry.fileId), { signal })
    if (stored === undefined) {
      if (entry.record.sizeBytes === 0) return
      throw dataMissing(`The data of ${nameOf(entry)} is not in the backup`)
    }
    yield* keys === undefined ? stored.content : decryptFile(stored, entry, keys)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.opened.disposeAsync()
  }
}

async function* decryptFile(
  { content }: BackupFile,
  entry: BackupSetEntry,
  keys: ClassKeys,
): AsyncGenerator<Uint8Array> {
  const { encryptionKey, digest, sizeBytes } = entry.record
  const what = nameOf(entry)
  if (encryptionKey === undefined) throw damaged(`${what} has no key`)
  const key = keys.unwrap(encryptionKey, what)
  if (digest === undefined) return yield* decrypt(content, { key, what, sizeBytes })
  const hash = createHash('sha1')
  yield* decrypt(hashed(content, hash), { key, what, sizeBytes })
  if (!equalBytes(hash.digest(), digest)) throw altered(`${what} is not as it was when the phone took its digest`)
}

async function* hashed(content: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    hash.update(piece)
    yield piece
  }
}

function isSelected({ domain, relativePath, kind }: ManifestRow, selection: EntriesOptions): boolean {
  const { path = '' } = selection
  if (domain !== (selection.domain ?? domain) || kind !== (selection.kind ?? kind)) return false
  return path === '' || relativePath === path || relativePath.startsWith(`${path}/`)
}

function entryOf({ record, ...row }: ManifestRow): BackupSetEntry {
  return { ...row, record: decodeFileRecord(record) }
}

function nameOf({ domain, relativePath }: BackupSetEntry): string {
  return JSON.stringify(`${domain}/${relativePath}`)
}
