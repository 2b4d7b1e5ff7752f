import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { dictOf, parsePlist } from '../../plist/index.ts'
import { type Entry, openSeededContents, type PhoneContents } from './index.ts'
import { BLOCK_BYTES_MAX } from './source.ts'

const signal = NEVER
const open = (files: number, bytes: number, seed = 3, ios = '17.5') =>
  openSeededContents({ seed, files, bytes, ios, clock: systemClock })

async function read(contents: PhoneContents, entry: Entry): Promise<Buffer> {
  const blocks: Uint8Array[] = []
  for await (const block of contents.read(entry, { signal })) blocks.push(block)
  assert.ok(blocks.every(({ length }) => length > 0 && length <= BLOCK_BYTES_MAX))
  return Buffer.concat(blocks)
}

const filesOf = (contents: PhoneContents) => [...contents.entries()].filter(({ kind }) => kind === 'file')
const named = (contents: PhoneContents, pattern: RegExp) =>
  filesOf(contents).filter(({ relativePath, size }) => pattern.test(relativePath) && size > 0)

for (const [files, bytes] of [
  [1, 0],
  [1, 1],
  [1, 6 * 2 ** 30],
  [2, 3],
  [7, 100_000],
  [50, 1_000],
  [500, 10],
  [500, 100_000_000],
] as const) {
  test(`${files} files and ${bytes} bytes are exactly that`, () => {
    const contents = open(files, bytes)
    const found = filesOf(contents)
    assert.equal(found.length, files)
    assert.equal(contents.totals.files, files)
    assert.equal(contents.totals.bytes, bytes)
    assert.equal(
      found.reduce((sum, { size }) => sum + size, 0),
      bytes,
    )
  })
}

test('every file has as many bytes as it says', async () => {
  const contents = open(400, 8_000_000)
  for (const entry of filesOf(contents))
    assert.equal((await read(contents, entry)).length, entry.size, entry.relativePath)
})

async function fingerprint(contents: PhoneContents): Promise<string> {
  const digest = createHash('sha256')
  for (const entry of contents.entries()) {
    digest.update(JSON.stringify(entry))
    if (entry.kind === 'file') digest.update(await read(contents, entry))
  }
  return digest.digest('hex')
}

test('the same seed makes the same phone, another seed another', async () => {
  const [one, same, other] = await Promise.all([open(300, 2e6), open(300, 2e6), open(300, 2e6, 4)].map(fingerprint))
  assert.equal(one, same)
  assert.notEqual(one, other)
})

test('every entry has its parents up to the root of its domain', () => {
  const contents = open(300, 1e6)
  const paths = new Set(Array.from(contents.entries(), ({ domain, relativePath }) => `${domain}-${relativePath}`))
  for (const { domain, relativePath } of contents.entries()) {
    const parent = relativePath.slice(0, Math.max(0, relativePath.lastIndexOf('/')))
    assert.ok(paths.has(`${domain}-${parent}`), `${domain}-${relativePath}`)
  }
})

test('databases open, are sound, and have rows', async () => {
  const contents = open(400, 8_000_000)
  const databases = named(contents, /\.(db|sqlite|sqlitedb|storedata)$/)
  assert.equal(databases.length, 10)
  for (const entry of databases) {
    using database = new DatabaseSync(':memory:')
    database.deserialize(await read(contents, entry))
    assert.equal(database.prepare('PRAGMA quick_check').get()?.quick_check, 'ok', entry.relativePath)
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    const rows = tables.map(({ name }) => Number(database.prepare(`SELECT count(*) AS n FROM "${name}"`).get()?.n))
    assert.ok(Math.max(...rows) > 10, entry.relativePath)
  }
})

test('photos have a ZASSET table since iOS 14 and a ZGENERICASSET before', async () => {
  for (const [ios, table] of [
    ['13.7', 'ZGENERICASSET'],
    ['14.0', 'ZASSET'],
  ] as const) {
    const contents = open(400, 8_000_000, 3, ios)
    const [photos] = named(contents, /Photos\.sqlite$/)
    using database = new DatabaseSync(':memory:')
    database.deserialize(await read(contents, photos!))
    assert.ok(database.prepare(`SELECT count(*) AS n FROM ${table}`).get())
  }
})

test('settings parse, JSON parses, photos and films begin as such files do', async () => {
  const contents = open(1_000, 200_000_000)
  for (const entry of named(contents, /Preferences\/.*\.plist$/).slice(0, 30)) {
    if (entry.size >= 300) assert.ok(dictOf(parsePlist(await read(contents, entry))), entry.relativePath)
  }
  for (const entry of named(contents, /\/store\/.*\.json$/).slice(0, 30))
    JSON.parse((await read(contents, entry)).toString())
  for (const [pattern, at, magic] of [
    [/DCIM\/.*\.JPG$/, 0, '\xff\xd8\xff\xe0'],
    [/DCIM\/.*\.HEIC$/, 4, 'ftypheic'],
    [/DCIM\/.*\.MOV$/, 4, 'ftypqt  '],
  ] as const) {
    const [first] = named(contents, pattern)
    assert.equal((await read(contents, first!)).toString('latin1', at, at + magic.length), magic)
  }
})

test('there are empty files, links, and names that differ only by case or Unicode form', () => {
  const contents = open(300, 1e6)
  const names = filesOf(contents).map(({ domain, relativePath }) => `${domain}-${relativePath}`)
  const twins = (fold: (name: string) => string) => names.length - new Set(names.map(fold)).size
  assert.equal(new Set(names).size, names.length)
  assert.ok(twins((name) => name.toLowerCase()) >= 1)
  assert.ok(twins((name) => name.normalize()) >= 1)
  assert.ok(filesOf(contents).some(({ size }) => size === 0))
  assert.equal(contents.totals.links, 3)
})

test('no two files have the same bytes, and photos do not compress', async () => {
  const contents = open(300, 20_000_000)
  const seen = new Set<string>()
  const files = filesOf(contents).filter(({ size }) => size >= 64)
  for (const entry of files)
    seen.add(
      createHash('sha256')
        .update(await read(contents, entry))
        .digest('hex'),
    )
  assert.equal(seen.size, files.length)
  const { zstdCompressSync } = await import('node:zlib')
  const photo = await read(contents, named(contents, /DCIM\/.*\.HEIC$/)[0]!)
  assert.ok(zstdCompressSync(photo).length > photo.length * 0.99)
})

test('apps know how large their documents are', () => {
  const contents = open(400, 8_000_000)
  for (const { bundleId, dynamicBytes } of contents.apps) {
    const own = filesOf(contents).filter(({ domain }) => domain === `AppDomain-${bundleId}`)
    assert.equal(
      dynamicBytes,
      own.reduce((sum, { size }) => sum + size, 0),
    )
  }
  assert.ok(contents.apps.some(({ category }) => category === 'User'))
})
