import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { type AppError, isAppError, isSystemError } from '../base/errors.ts'
import { badRow, damaged, encrypted, missing } from './errors.ts'
import { type FileId, parseFileId } from './file-id.ts'

/** A backup's index, `Manifest.db`, open for reading. Whoever opened it disposes it. */
export interface ManifestDb extends Disposable {
  /**
   * Every row, in no order that means anything, read as the caller goes on: what is held in memory is one row. A row that no
   * phone writes goes to `onBadRow` as `backup-set.bad-row`, or is thrown and ends the reading where there is none. Throws
   * `backup-set.damaged` where the database does not hold together. Reading blocks the thread for some microseconds a row.
   */
  rows(options?: RowsOptions): Generator<ManifestRow, void, undefined>
  /** The row with that file id, found by the database's own index. Throws as `rows` does. */
  find(fileId: FileId): ManifestRow | undefined
}

export interface RowsOptions {
  /** Told of each bad row, of whatever is selected; where nobody is told, the first one is thrown. */
  readonly onBadRow?: (error: AppError) => void
}

/** One file, folder or link of the phone. */
export interface ManifestRow {
  readonly fileId: FileId
  readonly domain: string
  /** Within the domain, "" for its root. Text from the phone: never a path of this machine. */
  readonly relativePath: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  /** For `decodeFileRecord`. Keep these bytes, not what they decode to, when a row is copied. */
  readonly record: Uint8Array
}

const MAGIC = 'SQLite format 3\0'
const CIPHER_BLOCK_BYTES = 16
/** The largest text or record. Real records have less than 2 KB. */
const VALUE_BYTES_MAX = 64 * 2 ** 20
/** No row is smaller than its file id. A damaged database can list its pages over and over. */
const ROW_BYTES_MIN = 40

/** What a row holds whatever its columns' types are: SQLite does not enforce them. */
const COLUMNS = `
  SELECT CAST(fileID AS TEXT) AS fileId, CAST(domain AS TEXT) AS domain, CAST(relativePath AS TEXT) AS relativePath,
    CASE flags WHEN 1 THEN 'file' WHEN 2 THEN 'folder' WHEN 4 THEN 'link' ELSE 'other' END AS kind,
    coalesce(CAST(file AS BLOB), x'') AS record`
const ROWS = `${COLUMNS} FROM Files`
/** Only ever by the index: a damaged table that is searched row by row may have no end. */
const ROW = `${COLUMNS} FROM Files INDEXED BY sqlite_autoindex_Files_1 WHERE fileID = ?`

/**
 * Opens a `Manifest.db`. Nothing is written, also not beside it: phones leave the database in WAL mode, so it is opened as
 * immutable, and a `-wal` that some tool left there is ignored. The file must not change while it is open.
 * Throws `backup-set.missing`, `backup-set.encrypted`, `backup-set.damaged`. Source: docs/protocol/backup-set.md#manifestdb
 */
export function openManifestDb(path: string): ManifestDb {
  const sizeBytes = checkFile(path)
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true, limits: { length: VALUE_BYTES_MAX } })
  try {
    checkSchema(db)
    return new OpenManifestDb(db, Math.floor(sizeBytes / ROW_BYTES_MIN))
  } catch (error) {
    db.close()
    throw fromSqlite(error)
  }
}

/** Whether this is the content of a database, by its first bytes; nothing is read beyond them. */
export async function isDatabase(content: AsyncIterable<Uint8Array>): Promise<boolean> {
  let start = ''
  for await (const piece of content) {
    start += Buffer.from(piece.subarray(0, MAGIC.length)).toString('latin1')
    if (start.length >= MAGIC.length) break
  }
  return start.startsWith(MAGIC)
}

class OpenManifestDb implements ManifestDb {
  readonly #db: DatabaseSync
  readonly #rowsMax: number

  constructor(db: DatabaseSync, rowsMax: number) {
    this.#db = db
    this.#rowsMax = rowsMax
  }

  *rows(options: RowsOptions = {}): Generator<ManifestRow, void, undefined> {
    let rowsLeft = this.#rowsMax
    try {
      for (const row of this.#db.prepare(ROWS).iterate()) {
        if (rowsLeft-- === 0) throw damaged(`Manifest.db lists more than the ${this.#rowsMax} rows it has room for`)
        const parsed = unlessBad(() => parseRow(row), options)
        if (parsed !== undefined) yield parsed
      }
    } catch (error) {
      throw fromSqlite(error)
    }
  }

  find(fileId: FileId): ManifestRow | undefined {
    try {
      const row = this.#db.prepare(ROW).get(fileId)
      return row && parseRow(row)
    } catch (error) {
      throw fromSqlite(error)
    }
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}

/** What the work makes of one row; undefined once somebody was told that it is bad. */
export function unlessBad<Parsed>(work: () => Parsed, { onBadRow }: RowsOptions): Parsed | undefined {
  try {
    return work()
  } catch (error) {
    if (onBadRow === undefined || !isAppError(error, 'backup-set.bad-row')) throw error
    onBadRow(error)
    return undefined
  }
}

/** Returns the file's size in bytes once it has begun like a database. */
function checkFile(path: string): number {
  const { sizeBytes, start } = readStart(path)
  if (start === MAGIC) return sizeBytes
  if (sizeBytes > 0 && sizeBytes % CIPHER_BLOCK_BYTES === 0) throw encrypted('Manifest.db is encrypted')
  throw damaged(`Manifest.db has ${sizeBytes} bytes and does not begin like a database`)
}

function readStart(path: string): { sizeBytes: number; start: string } {
  const file = openIfThere(path)
  if (file === undefined) throw missing('There is no Manifest.db')
  try {
    const start = Buffer.alloc(MAGIC.length)
    const count = readSync(file, start)
    return { sizeBytes: fstatSync(file).size, start: start.toString('latin1', 0, count) }
  } finally {
    closeSync(file)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The list must be a table: a view or a virtual table would run whatever the file says. */
function checkSchema(db: DatabaseSync): void {
  db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0')
  const files = db.prepare("SELECT type, rootpage FROM sqlite_schema WHERE lower(name) = 'files'").get()
  if (files?.type !== 'table' || files.rootpage === 0) throw damaged('Manifest.db has no table of files')
}

function parseRow({ fileId: id, domain, relativePath, kind, record }: Record<string, SQLOutputValue>): ManifestRow {
  const fileId = typeof id === 'string' ? parseFileId(id) : undefined
  if (fileId === undefined) throw badRow(`A row of Manifest.db has the file id ${String(id).slice(0, 60)}`)
  if (typeof domain !== 'string' || typeof relativePath !== 'string') throw badRow(`File ${fileId} has no name`)
  assert(isKind(kind) && record instanceof Uint8Array)
  return { fileId, domain, relativePath, kind, record }
}

function isKind(kind: SQLOutputValue | undefined): kind is ManifestRow['kind'] {
  return kind === 'file' || kind === 'folder' || kind === 'link' || kind === 'other'
}

/** What SQLite has to say about the file is about damage; everything else stays as it is. */
function fromSqlite(error: unknown): unknown {
  if (!isSystemError(error, 'ERR_SQLITE_ERROR')) return error
  return damaged(`Manifest.db does not hold together: ${error.message}`, error)
}
