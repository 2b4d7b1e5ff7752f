import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { isAppError } from '../../base/errors.ts'
import { arrayOf, bytesOf, decodeKeyedArchive, dictOf, numberOf, parsePlist } from '../../plist/index.ts'
import { BackupError, MB } from './backup-error.ts'
import type { BackupKeys } from './manifest-plist.ts'

/** What an earlier backup knows about one file. */
export interface EarlierRow {
  readonly modifiedS: number | undefined
  readonly record: Uint8Array
}

/**
 * A Manifest.db that came back from the host, opened in place: a copy of the phone's own, since SQLite writes beside it.
 * Rows are looked up one by one. Throws `BackupError` (12 inside) for a file that is no such database.
 */
export class HostManifest implements Disposable {
  /** Of the backup that it belongs to; undefined for an unencrypted one. */
  readonly keys: BackupKeys | undefined
  readonly #database: DatabaseSync
  readonly #find: StatementSync
  readonly #within: StatementSync

  constructor(path: string, keys: BackupKeys | undefined) {
    this.keys = keys
    this.#database = new DatabaseSync(path)
    try {
      this.#database.exec('PRAGMA cache_size = -65536')
      this.#find = this.#database.prepare('SELECT file FROM Files WHERE fileID = ?')
      // The plus keeps SQLite from going through all files by the index on flags.
      this.#within = this.#database.prepare('SELECT fileID FROM Files WHERE +flags = 1 AND fileID >= ? AND fileID < ?')
    } catch {
      this.#database.close()
      throw new BackupError(MB.badDatabase, 'Not a manifest database')
    }
  }

  find(fileId: string): EarlierRow | undefined {
    const record = this.#find.get(fileId)?.file
    return record instanceof Uint8Array ? { record, modifiedS: modifiedOf(record) } : undefined
  }

  /** IDs of regular files that begin with these two digits. */
  fileIds(prefix: string): string[] {
    return textsOf(this.#within.all(prefix, `${prefix}g`))
  }

  /** Everything, by domain and path. */
  *rows(): Generator<{ fileId: string; domain: string; relativePath: string; record: Uint8Array }> {
    for (const row of this.#database.prepare('SELECT * FROM Files ORDER BY domain, relativePath').iterate()) {
      const { fileID, domain, relativePath, file } = row
      if (typeof fileID !== 'string' || !(file instanceof Uint8Array)) continue
      yield { fileId: fileID, domain: String(domain), relativePath: String(relativePath), record: file }
    }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

function textsOf(rows: readonly { fileID?: SQLOutputValue }[]): string[] {
  return rows.map(({ fileID }) => fileID).filter((text) => typeof text === 'string')
}

/** The fields of an archived MBFile; undefined when it is none. */
export function mbFileOf(record: Uint8Array) {
  try {
    return dictOf(arrayOf(dictOf(parsePlist(record))?.$objects)?.[1])
  } catch {
    return undefined
  }
}

/** The key of a file in an encrypted backup, wrapped: 44 bytes. */
export function encryptionKeyOf(record: Uint8Array): Uint8Array | undefined {
  try {
    return bytesOf(dictOf(decodeKeyedArchive(parsePlist(record)))?.EncryptionKey)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

function modifiedOf(record: Uint8Array): number | undefined {
  return numberOf(mbFileOf(record)?.LastModified)
}
