import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isSystemError } from '../../../base/errors.ts'
import { withPauses } from '../../with-pauses.ts'
import { BackupError, hostReadError, MB } from '../backup-error.ts'
import { type FileRow, parseFileRow } from './file-row.ts'

/**
 * The rows of a Manifest.db on this machine, in the order in which the phone wrote them; one at a time, so that their number
 * costs no memory. Throws `BackupError` 205 for what is no such database, or holds a row that no phone writes.
 */
export async function* readRows(path: string): AsyncGenerator<FileRow> {
  try {
    for await (const row of withPauses(rowsOf(path))) {
      const parsed = parseFileRow(row)
      if (parsed !== undefined) yield parsed
    }
  } catch (error) {
    throw asReadError(error)
  }
}

/** Immutable: the phone leaves the database in WAL mode, and SQLite would make two more files. */
function* rowsOf(path: string): Generator<Record<string, SQLOutputValue>> {
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  using database = new DatabaseSync(url, { readOnly: true })
  yield* database.prepare('SELECT fileID, domain, relativePath, flags, file FROM Files ORDER BY rowid').iterate()
}

function asReadError(error: unknown): unknown {
  const inner = isSystemError(error, 'ERR_SQLITE_ERROR')
    ? new BackupError(MB.badDatabase, 'Not a manifest database')
    : error
  return inner instanceof BackupError && inner.code === MB.badDatabase
    ? hostReadError('Error reading manifest', inner)
    : inner
}
