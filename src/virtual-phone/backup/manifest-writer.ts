import { open } from 'node:fs/promises'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Entry } from '../contents/index.ts'

const FLAGS = { file: 1, folder: 2, link: 4 } as const

/**
 * A Manifest.db that is being written: rows in one transaction, indexes at the end. Holding rows costs no memory.
 * `finish` must be called before the file is read; disposing closes the database in any case.
 * Source: docs/protocol/mobilebackup2.md#manifest
 */
export class ManifestWriter implements Disposable {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #find: StatementSync

  constructor(path: string) {
    this.#path = path
    this.#database = new DatabaseSync(path)
    this.#database.exec(`
      PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA user_version = 2;
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
      CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
      BEGIN;`)
    this.#insert = this.#database.prepare('INSERT OR REPLACE INTO Files VALUES (?, ?, ?, ?, ?)')
    this.#find = this.#database.prepare('SELECT 1 FROM Files WHERE fileID = ?')
  }

  /** `record` is the archive that `encodeMbFile` makes, or the one from an earlier manifest. */
  add(fileId: string, { domain, relativePath, kind }: Entry, record: Uint8Array): void {
    this.#insert.run(fileId, domain, relativePath, FLAGS[kind], record)
  }

  has(fileId: string): boolean {
    return this.#find.get(fileId) !== undefined
  }

  /**
   * Makes the file what a phone's is: closed cleanly, marked as of WAL mode. No more rows after this. A file smaller than
   * `bytesMin` gets empty pages at its end, which SQLite passes over and which take no room on the disk.
   */
  async finish({ bytesMin }: { bytesMin: number }): Promise<void> {
    this.#database.exec(`
      COMMIT;
      CREATE INDEX FilesDomainIdx ON Files(domain);
      CREATE INDEX FilesRelativePathIdx ON Files(relativePath);
      CREATE INDEX FilesFlagsIdx ON Files(flags);
      CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB);`)
    this[Symbol.dispose]()
    await using file = await open(this.#path, 'r+')
    await file.write(WAL_MARK, 0, WAL_MARK.length, 18)
    if ((await file.stat()).size < bytesMin) await file.truncate(Math.ceil(bytesMin / PAGE_BYTES) * PAGE_BYTES)
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

const PAGE_BYTES = 4096

/** Header bytes 18 and 19: file format versions for writing and reading. */
const WAL_MARK = Uint8Array.of(2, 2)
