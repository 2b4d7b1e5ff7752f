import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../base/errors.ts'
import { fileIdOf, openManifestDb } from './index.ts'

// As on a real phone: docs/protocol/backup-set.md#manifestdb.
const SCHEMA = `
  PRAGMA page_size = 4096; PRAGMA auto_vacuum = 2; PRAGMA journal_mode = WAL; PRAGMA user_version = 2;
  CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
  CREATE INDEX FilesDomainIdx ON Files(domain);
  CREATE INDEX FilesRelativePathIdx ON Files(relativePath);
  CREATE INDEX FilesFlagsIdx ON Files(flags);
  CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB);`

type Row = readonly SQLInputValue[]

const ROWS: readonly Row[] = [
  [fileIdOf({ domain: 'HomeDomain', relativePath: '' }), 'HomeDomain', '', 2, Uint8Array.of(1)],
  [fileIdOf({ domain: 'HomeDomain', relativePath: 'Library' }), 'HomeDomain', 'Library', 2, Uint8Array.of(2)],
  [fileIdOf({ domain: 'HomeDomain', relativePath: 'Library/é' }), 'HomeDomain', 'Library/é', 1, Uint8Array.of(3)],
  [fileIdOf({ domain: 'MediaDomain', relativePath: 'link' }), 'MediaDomain', 'link', 4, Uint8Array.of(4)],
  [fileIdOf({ domain: 'MediaDomain', relativePath: 'odd' }), 'MediaDomain', 'odd', 16, Uint8Array.of(5)],
]

/** An empty folder with characters that mean something in a URL; removed after the test. */
function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'backup set?#%20-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function writeDb(
  t: TestContext,
  { rows = ROWS, schema = SCHEMA }: { rows?: readonly Row[]; schema?: string } = {},
): string {
  const path = join(folderFor(t), 'Manifest.db')
  const db = new DatabaseSync(path)
  db.exec(`${schema}; BEGIN`)
  if (rows.length > 0) {
    const insert = db.prepare('INSERT INTO Files VALUES (?, ?, ?, ?, ?)')
    for (const row of rows) insert.run(...row)
  }
  db.exec('COMMIT')
  db.close()
  return path
}

function readRows(path: string) {
  using manifest = openManifestDb(path)
  return [...manifest.rows()]
}

const refusedAs = (code: string, saw: RegExp) => (error: unknown) => isAppError(error, code) && saw.test(error.message)

test('every row is listed with its kind and its record', (t) => {
  const kinds = ['folder', 'folder', 'file', 'link', 'other']
  const expected = ROWS.map(([fileId, domain, relativePath, , record], index) => {
    return { fileId, domain, relativePath, kind: kinds[index], record }
  })
  assert.deepEqual(readRows(writeDb(t)), expected)
})

test('a row is found by its file id', (t) => {
  using manifest = openManifestDb(writeDb(t))
  assert.deepEqual(manifest.find(fileIdOf({ domain: 'MediaDomain', relativePath: 'link' })), [...manifest.rows()][3])
  assert.equal(manifest.find(fileIdOf({ domain: 'MediaDomain', relativePath: 'other' })), undefined)
})

test('reading a database in WAL mode leaves it and its folder as they were', (t) => {
  const path = writeDb(t)
  const before = readFileSync(path)
  assert.deepEqual([before[18], before[19]], [2, 2])
  using manifest = openManifestDb(path)
  for (const _ of manifest.rows()) assert.deepEqual(readdirSync(join(path, '..')), ['Manifest.db'])
  assert.ok(readFileSync(path).equals(before))
})

test('a write-ahead log that a tool left behind changes nothing', (t) => {
  const path = writeDb(t)
  const db = new DatabaseSync(path)
  db.exec('PRAGMA wal_autocheckpoint = 0; DELETE FROM Files')
  const files = readdirSync(join(path, '..'))
  assert.ok(files.includes('Manifest.db-wal'))
  assert.equal(readRows(path).length, ROWS.length)
  assert.deepEqual(readdirSync(join(path, '..')), files)
  db.close()
})

test('padding that a decryption left at the end does not matter', (t) => {
  const path = writeDb(t)
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(16, 16)]))
  assert.equal(readRows(path).length, ROWS.length)
})

test('the database can be read again, and closed in the middle of it', (t) => {
  using manifest = openManifestDb(writeDb(t))
  for (const row of manifest.rows()) {
    assert.equal(row.relativePath, '')
    break
  }
  assert.equal([...manifest.rows()].length, ROWS.length)
  manifest.rows().next()
})

test('no Manifest.db', (t) => {
  assert.throws(
    () => openManifestDb(join(folderFor(t), 'Manifest.db')),
    refusedAs('backup-set.missing', /no Manifest\.db/),
  )
})

const NO_DATABASES: readonly (readonly [claim: string, content: Uint8Array, code: string])[] = [
  ['nothing is damaged', new Uint8Array(0), 'backup-set.damaged'],
  ['noise in whole cipher blocks is encrypted', new Uint8Array(4096).fill(0xa5), 'backup-set.encrypted'],
  ['noise in broken cipher blocks is damaged', new Uint8Array(4097).fill(0xa5), 'backup-set.damaged'],
  ['only the start of a database is damaged', Buffer.from('SQLite format 3\0'), 'backup-set.damaged'],
]

for (const [claim, content, code] of NO_DATABASES) {
  test(`a Manifest.db of ${claim}`, (t) => {
    const path = join(folderFor(t), 'Manifest.db')
    writeFileSync(path, content)
    assert.throws(() => openManifestDb(path), refusedAs(code, /Manifest\.db/))
  })
}

const OTHER_SCHEMAS: readonly (readonly [claim: string, schema: string])[] = [
  ['without a table of files', 'CREATE TABLE Other (a)'],
  [
    'whose files are a view without an end',
    `CREATE VIEW Files AS
    WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more) SELECT n AS fileID FROM more`,
  ],
  [
    'whose files are a virtual table',
    'CREATE VIRTUAL TABLE Files USING fts5(fileID, domain, relativePath, flags, file)',
  ],
  ['whose table lacks a column', 'CREATE TABLE Files (fileID, domain, relativePath, flags)'],
]

for (const [claim, schema] of OTHER_SCHEMAS) {
  test(`a database ${claim} is damaged`, (t) => {
    const path = writeDb(t, { schema, rows: [] })
    assert.throws(() => readRows(path), refusedAs('backup-set.damaged', /no table of files|no such column/))
  })
}

const GOOD_ID = fileIdOf({ domain: 'HomeDomain', relativePath: 'a' })

const BAD_ROWS: readonly (readonly [claim: string, row: Row, saw: RegExp])[] = [
  ['a file id in capitals', [GOOD_ID.toUpperCase(), 'HomeDomain', 'a', 1, null], /has the file id [0-9A-F]{40}$/],
  ['a file id that is a path', ['../../../etc/passwd', 'HomeDomain', 'a', 1, null], /has the file id \.\.\//],
  ['a file id that is a number', [7, 'HomeDomain', 'a', 1, null], /has the file id 7/],
  ['no file id', [null, 'HomeDomain', 'a', 1, null], /has the file id null/],
  ['no domain', [GOOD_ID, null, 'a', 1, null], /has no name/],
  ['no path', [GOOD_ID, 'HomeDomain', null, 1, null], /has no name/],
]

for (const [claim, row, saw] of BAD_ROWS) {
  test(`a row with ${claim} is refused, after the rows before it`, (t) => {
    using manifest = openManifestDb(writeDb(t, { rows: [...ROWS, row] }))
    const rows = manifest.rows()
    for (const _ of ROWS) assert.equal(rows.next().done, false)
    assert.throws(() => rows.next(), refusedAs('backup-set.bad-row', saw))
  })
}

test('bad rows are told to whoever wants to know, and the others are listed', (t) => {
  const bad = BAD_ROWS.slice(0, -1).map(([, row]) => row)
  using manifest = openManifestDb(writeDb(t, { rows: [...bad, ...ROWS] }))
  const told: string[] = []
  assert.equal([...manifest.rows({ onBadRow: ({ code }) => told.push(code) })].length, ROWS.length)
  assert.deepEqual(told, Array(bad.length).fill('backup-set.bad-row'))
})

test('a database without the index of file ids is damaged for whoever looks for one, and can be listed', (t) => {
  const schema = 'CREATE TABLE Files (fileID TEXT, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)'
  using manifest = openManifestDb(writeDb(t, { schema }))
  assert.equal([...manifest.rows()].length, ROWS.length)
  assert.throws(() => manifest.find(GOOD_ID), refusedAs('backup-set.damaged', /no such index/))
})

test('a row whose columns have odd types is still a row', (t) => {
  const [row] = readRows(
    writeDb(t, { rows: [[Buffer.from(GOOD_ID), 'HomeDomain', Buffer.from('a'), 2n ** 60n, null]] }),
  )
  assert.deepEqual(row, {
    fileId: GOOD_ID,
    domain: 'HomeDomain',
    relativePath: 'a',
    kind: 'other',
    record: new Uint8Array(0),
  })
})

function manyRows(count: number): readonly Row[] {
  return Array.from({ length: count }, (_, index) => {
    const relativePath = `Library/${index}`
    return [fileIdOf({ domain: 'HomeDomain', relativePath }), 'HomeDomain', relativePath, 1, new Uint8Array(500)]
  })
}

test('rows are read one by one: those before a damaged page arrive', (t) => {
  const path = writeDb(t, { rows: manyRows(200) })
  const bytes = readFileSync(path)
  const place = bytes.indexOf('HomeDomainLibrary/150')
  bytes.fill(0xff, place - (place % 4096), place)
  writeFileSync(path, bytes)
  using manifest = openManifestDb(path)
  let count = 0
  assert.throws(
    () => {
      for (const _ of manifest.rows()) count++
    },
    refusedAs('backup-set.damaged', /does not hold together/),
  )
  assert.ok(count > 100 && count < 200, `${count} rows`)
})

const SMALL_PAGES = `PRAGMA page_size = 512;
  CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);`

/** Makes every entry of an interior page of a table lead to one page. Source: SQLite's file format, section 1.6. */
function pointAllTo(bytes: Buffer, page: number, child: number): void {
  const start = (page - 1) * 512
  bytes.writeUInt32BE(child, start + 8)
  const cells = bytes.readUInt16BE(start + 3)
  for (let cell = 0; cell < cells; cell++) {
    bytes.writeUInt32BE(child, start + bytes.readUInt16BE(start + 12 + 2 * cell))
  }
}

test('a database that lists its pages over and over ends', (t) => {
  const path = writeDb(t, { schema: SMALL_PAGES, rows: manyRows(3000).map((row) => [...row.slice(0, 4), null]) })
  const bytes = readFileSync(path)
  const pages = Array.from({ length: bytes.length / 512 }, (_, index) => index + 1)
  const [root, ...interiors] = pages.filter((page) => bytes[(page - 1) * 512] === 0x05)
  const leaf = pages.find((page) => page > 1 && bytes[(page - 1) * 512] === 0x0d)
  assert.ok(root !== undefined && leaf !== undefined && interiors.length >= 4)
  let child = leaf
  for (const page of [...interiors.slice(0, 4), root]) {
    pointAllTo(bytes, page, child)
    child = page
  }
  writeFileSync(path, bytes)
  assert.throws(() => readRows(path), refusedAs('backup-set.damaged', /more than the \d+ rows it has room for/))
})

test('an index of file ids that leads back to itself ends', (t) => {
  const path = writeDb(t, { schema: SMALL_PAGES, rows: manyRows(300).map((row) => [...row.slice(0, 4), null]) })
  const bytes = readFileSync(path)
  const page = Array.from({ length: bytes.length / 512 }, (_, index) => index + 1).find(
    (number) => bytes[(number - 1) * 512] === 0x02,
  )
  assert.ok(page !== undefined)
  pointAllTo(bytes, page, page)
  writeFileSync(path, bytes)
  using manifest = openManifestDb(path)
  assert.throws(() => manifest.find(GOOD_ID), refusedAs('backup-set.damaged', /does not hold together/))
})

test('a database with bytes changed anywhere is read, or refused', (t) => {
  const path = writeDb(t, {
    schema: SMALL_PAGES,
    rows: manyRows(30).map((row) => [...row.slice(0, 4), new Uint8Array(20)]),
  })
  const original = readFileSync(path)
  const anyChange = fc.record({ at: fc.nat(original.length - 1), byte: fc.constantFrom(0, 1, 0x05, 0x7f, 0x80, 0xff) })
  const readsOrRefuses = (changes: readonly { at: number; byte: number }[]) => {
    const bytes = Buffer.from(original)
    for (const { at, byte } of changes) bytes[at] = byte
    writeFileSync(path, bytes)
    try {
      assert.ok(readRows(path).length <= original.length / 40)
      using manifest = openManifestDb(path)
      manifest.find(GOOD_ID)
    } catch (error) {
      assert.ok(isAppError(error) && error.code.startsWith('backup-set.'), String(error))
    }
  }
  fc.assert(fc.property(fc.array(anyChange, { minLength: 1, maxLength: 5 }), readsOrRefuses), { numRuns: 500 })
})
