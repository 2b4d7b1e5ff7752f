import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { encodeBinaryPlist } from '../../../plist/index.ts'
import { type Entry, openSeededContents } from '../../contents/index.ts'
import { newPhone, UDID } from '../../testing/phone-for-tests.ts'
import { backedUp, copyOf, newEmptyPhone, restoreTo } from '../../testing/restoring.ts'
import { stoppedClock } from '../../testing/stopped-clock.ts'
import { fileIdOf } from '../file-id.ts'
import { encodeMbFile } from '../mb-file.ts'
import { parseFileRow } from './file-row.ts'
import { readRows } from './row-reader.ts'

const contents = openSeededContents({ seed: 5, files: 40, bytes: 20_000, ios: '17.5', clock: stoppedClock() })
const FLAGS = { file: 1, folder: 2, link: 4 } as const

function rowOf(entry: Entry) {
  const { domain, relativePath, kind } = entry
  const file = encodeMbFile(entry, {})
  return { fileID: fileIdOf(entry), domain, relativePath, flags: FLAGS[kind], file }
}

test('a row tells everything about an entry that the phone wrote into it', () => {
  for (const entry of contents.entries()) {
    const { fileId, traits, encryptionKey, digest, target, ...row } = parseFileRow(rowOf(entry))!
    assert.equal(fileId, fileIdOf(entry))
    assert.deepEqual({ ...row, ...traits, ...(target !== '' && { target }) }, entry)
    assert.deepEqual([digest, encryptionKey], [undefined, undefined])
  }
})

const good = rowOf([...contents.entries()].find(({ kind }) => kind === 'file')!)

test('a row of another kind is passed over', () => {
  assert.equal(parseFileRow({ ...good, flags: 16 }), undefined)
})

for (const [what, row] of [
  ['an ID that is none', { ...good, fileID: '../../etc/passwd' }],
  ['an ID as bytes', { ...good, fileID: Buffer.from(good.fileID) }],
  ['no domain', { ...good, domain: '' }],
  ['a path that leaves its domain', { ...good, relativePath: 'Library/../../x' }],
  ['a path that is too long', { ...good, relativePath: 'x'.repeat(4_097) }],
  ['a file in place of a root', { ...good, relativePath: '' }],
  ['no record', { ...good, file: null }],
  ['a record that is nonsense', { ...good, file: Buffer.from('nonsense') }],
  ['a record of something else', { ...good, file: encodeBinaryPlist({ a: 1 }) }],
] as const) {
  test(`a row with ${what} makes the manifest a damaged one`, () => {
    assert.throws(() => parseFileRow(row), /A row of the manifest is damaged.*/)
  })
}

const folder = await mkdtempDisposable(join(tmpdir(), 'file-row-'))
after(() => folder.remove())
const phone = newPhone({ files: 20, bytes: 20_000 })
const backup = await backedUp(phone)

test('a restore from a manifest with a damaged row ends with 205', async () => {
  const path = join(folder.path, 'Manifest.db')
  const host = copyOf(backup)
  const manifest = `${UDID}/Manifest.db`
  await writeFile(path, host.files.get(manifest)!)
  using database = new DatabaseSync(path)
  database.exec("UPDATE Files SET domain = '' WHERE flags = 4; PRAGMA journal_mode = DELETE")
  host.files.set(manifest, database.serialize())
  const { response } = await restoreTo(newEmptyPhone(), host)
  assert.equal(response?.ErrorCode, 205)
  assert.match(String(response.ErrorDescription), /^Error reading manifest.*MBErrorDomain\/12/)
})

test('rows come in the order in which they were written, however the reader ends', async () => {
  const path = join(folder.path, 'ordered.db')
  await writeFile(path, backup.files.get(`${UDID}/Manifest.db`)!)
  using database = new DatabaseSync(path)
  const written = database.prepare('SELECT fileID FROM Files ORDER BY rowid').all()
  assert.deepEqual(
    await Array.fromAsync(readRows(path), ({ fileId }) => fileId),
    written.map(({ fileID }) => fileID),
  )
  for await (const { fileId } of readRows(path)) {
    assert.equal(fileId, written[0]?.fileID)
    break
  }
})
