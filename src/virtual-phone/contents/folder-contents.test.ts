import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { encodeBinaryPlist, encodeXmlPlist } from '../../plist/index.ts'
import { fileIdOf, payloadPath } from '../backup/file-id.ts'
import { encodeMbFile } from '../backup/mb-file.ts'
import { PLAIN_FILE, PLAIN_FOLDER, PLAIN_LINK } from './entry.ts'
import { type Entry, openFolderContents, type PhoneContents } from './index.ts'

const signal = NEVER
const UDID = '00008120-000A11112222001E'

const entry = (relativePath: string, traits = PLAIN_FILE, size = 0): Entry => ({
  ...traits,
  ...{ domain: 'HomeDomain', relativePath, inode: 7, modifiedS: 1_700_000_000, changedS: 3, bornS: 2, size },
})

interface Backup extends AsyncDisposable {
  readonly path: string
  add(entry: Entry, data?: string, fileId?: string): Promise<void>
  sql(text: string): void
  open(folder?: string): Promise<PhoneContents>
}

/** A backup in a folder, to be filled row by row. */
async function makeBackup(below = ''): Promise<Backup> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'backup-'))
  const path = join(folder.path, below)
  await mkdir(path, { recursive: true })
  const withDatabase = (use: (database: DatabaseSync) => void) => {
    using database = new DatabaseSync(join(path, 'Manifest.db'))
    use(database)
  }
  withDatabase((database) =>
    database.exec(
      'CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)',
    ),
  )
  return {
    path,
    async add(row, data, fileId = fileIdOf(row)) {
      const flags = { file: 1, folder: 2, link: 4 }[row.kind]
      withDatabase((database) =>
        database
          .prepare('INSERT INTO Files VALUES (?, ?, ?, ?, ?)')
          .run(fileId, row.domain, row.relativePath, flags, encodeMbFile(row)),
      )
      if (data === undefined) return
      await mkdir(dirname(join(path, payloadPath(fileId))), { recursive: true })
      await writeFile(join(path, payloadPath(fileId)), data)
    },
    sql: (text) => withDatabase((database) => database.exec(text)),
    open: (root = path) => openFolderContents({ folder: root, clock: systemClock, signal }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

async function textOf(contents: PhoneContents, relativePath: string): Promise<string> {
  const blocks: Uint8Array[] = []
  for await (const block of contents.read({ domain: 'HomeDomain', relativePath }, { signal })) blocks.push(block)
  return Buffer.concat(blocks).toString()
}

const fails = (code: string) => (error: unknown) => isAppError(error, `virtual-phone.contents-${code}`)

test('a backup becomes a phone: files with their bytes, folders, links, as they are named', async () => {
  await using backup = await makeBackup()
  await backup.add(entry('', PLAIN_FOLDER))
  await backup.add(entry('Library/Cafe\u0301 🦀.txt', PLAIN_FILE, 5), 'hello')
  await backup.add(entry('Library', PLAIN_FOLDER))
  await backup.add({ ...entry('Library/link', PLAIN_LINK), target: '/gone' })
  await backup.add(entry('Library/empty'), '')
  const contents = await backup.open()
  assert.deepEqual(contents.totals, { files: 2, folders: 2, links: 1, bytes: 5 })
  assert.deepEqual(
    contents.notes.filter((note) => !note.includes('.plist')),
    [],
  )
  assert.equal(await textOf(contents, 'Library/Cafe\u0301 🦀.txt'), 'hello')
  assert.equal(await textOf(contents, 'Library/empty'), '')
  const found = contents.find({ domain: 'HomeDomain', relativePath: 'Library/link' })
  assert.deepEqual(
    [found?.target, found?.modifiedS, found?.changedS, found?.bornS, found?.inode],
    ['/gone', 1_700_000_000, 3, 2, 7],
  )
})

test('the folder above a single backup will do', async () => {
  await using backup = await makeBackup(UDID)
  await backup.add(entry('a', PLAIN_FILE, 1), 'x')
  assert.equal((await backup.open(dirname(backup.path))).totals.files, 1)
})

test('with two backups below it, a folder is none', async () => {
  await using backup = await makeBackup('one')
  await mkdir(join(backup.path, '../two'))
  await writeFile(join(backup.path, '../two/Manifest.db'), await readFile(join(backup.path, 'Manifest.db')))
  await assert.rejects(backup.open(dirname(backup.path)), fails('missing'))
})

test('oddities are left out and counted, and the file on the disk is right about its size', async () => {
  await using backup = await makeBackup()
  await backup.add(entry('good', PLAIN_FILE, 99), 'four')
  await backup.add(entry('missing'))
  await backup.add(entry('hostile'), undefined, '../../../../etc/passwd')
  await backup.add(entry('HOSTILE'), undefined, 'AB'.repeat(20))
  await backup.add(entry(`${'deep/'.repeat(1_000)}x`), '')
  await backup.add(entry('other id', PLAIN_FILE, 5), 'other', 'ab'.repeat(20))
  await backup.add(entry('data is a folder'))
  await mkdir(join(backup.path, payloadPath(fileIdOf(entry('data is a folder')))), { recursive: true })
  await backup.add(entry('data is a link'))
  await mkdir(join(backup.path, fileIdOf(entry('data is a link')).slice(0, 2)), { recursive: true })
  await symlink('/etc/hostname', join(backup.path, payloadPath(fileIdOf(entry('data is a link')))))
  backup.sql(`
    INSERT INTO Files VALUES ('${'1'.repeat(40)}', 'HomeDomain', 'no record', 1, NULL);
    INSERT INTO Files VALUES ('${'2'.repeat(40)}', 'HomeDomain', 'bad record', 1, x'626f6f');
    INSERT INTO Files VALUES ('${'3'.repeat(40)}', 'HomeDomain', 'flags', 16, x'00');
    INSERT INTO Files VALUES ('${'4'.repeat(40)}', NULL, NULL, 1, x'00');
    INSERT INTO Files VALUES (x'ff', 'HomeDomain', 'blob', 1, x'00');`)
  await writeFile(join(backup.path, 'unknown.txt'), 'left alone')
  const contents = await backup.open()
  assert.deepEqual(contents.notes.filter((note) => !note.includes('.plist')).sort(), [
    '1 files have another size than Manifest.db says; the file counts',
    '1 rows of Manifest.db are neither file, folder nor link; left out',
    '2 rows of Manifest.db have a record that cannot be read; left out',
    '3 files of Manifest.db have no data in the folder; left out',
    '5 rows of Manifest.db have a file ID or name that no phone writes; left out',
  ])
  assert.equal(contents.totals.files, 2)
  assert.equal(contents.find(entry('good'))?.size, 4)
  assert.equal(await textOf(contents, 'other id'), 'other')
})

test('nothing is written into the folder, also for a database in WAL mode', async () => {
  await using backup = await makeBackup()
  await backup.add(entry('a', PLAIN_FILE, 1), 'x')
  const path = join(backup.path, 'Manifest.db')
  const bytes = await readFile(path)
  bytes.fill(2, 18, 20)
  await writeFile(path, bytes)
  const before = [await readdir(backup.path), (await stat(path)).mtimeMs]
  const contents = await backup.open()
  contents.write(entry('a'), Buffer.from('changed on the phone'))
  assert.equal(await textOf(contents, 'a'), 'changed on the phone')
  assert.deepEqual([await readdir(backup.path), (await stat(path)).mtimeMs], before)
  assert.deepEqual(await readFile(path), bytes)
})

test('identity and apps come from the property lists, as far as they are there', async () => {
  await using backup = await makeBackup()
  const store = encodeBinaryPlist({ itemName: 'Tide Pool' })
  const manifest = {
    IsEncrypted: false,
    Lockdown: { DeviceName: 'Anna', ProductVersion: '16.4', UniqueDeviceID: UDID },
    Applications: {
      'com.example.tide': { CFBundleVersion: '7', ContainerContentClass: 'Data/Application', Path: '/x/Tide.app' },
      'com.example.walk': { ContainerContentClass: 'Data/Application', Path: '/x/Walk About.app' },
      'com.apple.news': { CFBundleVersion: '1' },
      'group.com.example': { ContainerContentClass: 'Shared/AppGroup' },
    },
  }
  await writeFile(join(backup.path, 'Manifest.plist'), encodeBinaryPlist(manifest))
  const info = {
    'Product Type': 'iPhone9,3',
    'Device Name': 'Old name',
    Applications: { 'com.example.tide': { iTunesMetadata: store } },
  }
  await writeFile(join(backup.path, 'Info.plist'), encodeXmlPlist(info))
  const { identity, apps } = await backup.open()
  assert.deepEqual(identity, { udid: UDID, deviceName: 'Anna', productType: 'iPhone9,3', productVersion: '16.4' })
  assert.deepEqual(
    apps.map(({ bundleId, name, version, category }) => [bundleId, name, version, category]),
    [
      ['com.example.tide', 'Tide Pool', '7', 'User'],
      ['com.example.walk', 'Walk About', '1.0', 'User'],
      ['com.apple.news', 'news', '1', 'System'],
    ],
  )
})

test('what is no such backup is refused with its own code', async () => {
  await using backup = await makeBackup()
  const path = join(backup.path, 'Manifest.db')
  await writeFile(join(backup.path, 'Manifest.plist'), encodeBinaryPlist({ IsEncrypted: true }))
  await assert.rejects(backup.open(), fails('encrypted'))
  await rm(join(backup.path, 'Manifest.plist'))
  backup.sql('DROP TABLE Files')
  await assert.rejects(backup.open(), fails('damaged'))
  await writeFile(path, Buffer.alloc(4_096, 0xa5))
  await assert.rejects(backup.open(), fails('encrypted'))
  await truncate(path)
  await assert.rejects(backup.open(), fails('damaged'))
  await rm(path)
  await assert.rejects(backup.open(), fails('missing'))
  await writeFile(join(backup.path, 'Manifest.mbdb'), 'mbdb')
  await assert.rejects(backup.open(), fails('unsupported'))
  await assert.rejects(backup.open(join(backup.path, 'nowhere')), fails('missing'))
})
