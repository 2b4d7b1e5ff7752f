import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { decodeFileRecord, openManifestDb } from '../../backup-set/index.ts'
import { NEVER } from '../../base/abort.ts'
import { PlistReal } from '../../plist/index.ts'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost, type ScriptedHost } from '../testing/scripted-host.ts'
import { fileIdOf } from './file-id.ts'

const BACKUP = { MessageName: 'Backup' }

const filesOf = ({ contents }: PhoneForTests) => [...contents.entries()].filter(({ kind }) => kind === 'file')
const shorten = (lines: readonly string[]) =>
  lines.map((line) => line.replaceAll(UDID, 'U').replaceAll('U/Snapshot', 'S'))

async function bytesOf({ contents }: PhoneForTests, place: { domain: string; relativePath: string }): Promise<Buffer> {
  const blocks: Uint8Array[] = []
  for await (const block of contents.read(place, { signal: NEVER })) blocks.push(block)
  return Buffer.concat(blocks)
}

/** The host has exactly the phone's files, under their IDs, with their bytes. */
async function assertHolds(host: ScriptedHost, phone: PhoneForTests): Promise<void> {
  const payload = [...host.files.keys()].filter((path) => /\/[0-9a-f]{40}$/.test(path))
  const expected = filesOf(phone).map((entry) => `${UDID}/${fileIdOf(entry).slice(0, 2)}/${fileIdOf(entry)}`)
  assert.deepEqual(payload.sort(), expected.sort())
  for (const entry of filesOf(phone)) {
    const path = `${UDID}/${fileIdOf(entry).slice(0, 2)}/${fileIdOf(entry)}`
    assert.equal(Buffer.compare(host.files.get(path)!, await bytesOf(phone, entry)), 0, entry.relativePath)
  }
}

// The order of messages: docs/protocol/mobilebackup2.md#a-backup
const FINISH = [
  'upload S/Manifest.plist',
  'upload S/Manifest.db',
  'upload U/Status.plist (187 bytes: new moving)',
  'move S/Manifest.plist',
  'move S/Manifest.db',
  'upload U/Status.plist (189 bytes: new removing)',
  'remove S',
  'remove U/Manifest.mbdx',
  'upload U/Status.plist (189 bytes: new finished)',
]
const FOLDERS = ['folder U', 'folder U/** × 256', 'folder S', 'folder S/** × 256']
const VERIFY = [
  'download U/Status.plist',
  'download U/Manifest.plist',
  'download U/Manifest.db',
  'list U',
  'list U/** × 256',
]

test('a first backup follows the documented order of messages', async () => {
  const phone = newPhone()
  const { response, transcript } = await hold(newHost(), phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.deepEqual(shorten(transcript), [
    'download U/Status.plist',
    'free space',
    ...FOLDERS,
    'upload U/Status.plist (192 bytes: empty uploading full)',
    'upload S/**/* (128) × 2',
    'upload S/**/* (44)',
    ...FINISH.slice(0, 3),
    'move S/**/* (128) × 2',
    'move S/**/* (44)',
    ...FINISH.slice(3),
    ...VERIFY,
  ])
})

test('after a backup the host has every file, and only then the phone remembers the date', async () => {
  const phone = newPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  await assertHolds(host, phone)
  const seconds = phone.lockdown.get('com.apple.mobile.backup', 'LastiTunesBackupDate')
  assert.equal(seconds, (Date.UTC(2026, 5, 1) - Date.UTC(2001, 0, 1)) / 1000)
  assert.equal(phone.agent.cache, undefined)
})

test('a second backup without changes sends no file, but does the whole dance', async () => {
  const phone = newPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.deepEqual(shorten(transcript), [
    ...VERIFY.slice(0, 3),
    'download U/Status.plist',
    ...VERIFY.slice(3),
    'free space',
    ...FOLDERS,
    'upload U/Status.plist (190 bytes: new uploading)',
    ...FINISH,
    ...VERIFY,
  ])
})

test('an incremental backup sends what changed and removes what is gone', async () => {
  const phone = newPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  phone.contents.change({ seed: 1, add: 3, rewrite: 4, move: 2, remove: 5 })
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  const lines = shorten(transcript)
  assert.ok(lines.includes('upload S/**/* (9)'), 'three new, four rewritten, two under new names')
  assert.ok(lines.includes('move S/**/* (9)'))
  assert.ok(lines.includes('remove U/**/* (7)'), 'five removed, two old names')
  await assertHolds(host, phone)
})

test('more than 128 removals go in batches', async () => {
  const phone = newPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  phone.contents.change({ seed: 1, remove: 200 })
  const { transcript } = await hold(host, phone, BACKUP)
  assert.deepEqual(
    shorten(transcript).filter((line) => line.startsWith('remove U/**')),
    ['remove U/**/* (128)', 'remove U/**/* (72)'],
  )
})

test('rows of unmodified files are kept byte for byte', async () => {
  const phone = newPhone({ files: 40, bytes: 10_000 })
  const host = newHost()
  const recordsOf = async () => new Map((await rowsOf(host)).map(({ fileId, record }) => [fileId, Buffer.from(record)]))
  await hold(host, phone, BACKUP)
  const before = await recordsOf()
  const [changed] = filesOf(phone)
  phone.contents.write(changed!, Buffer.from('new'))
  await hold(host, phone, BACKUP)
  const after = await recordsOf()
  const different = [...before]
    .filter(([fileId, record]) => !after.get(fileId)?.equals(record))
    .map(([fileId]) => fileId)
  assert.deepEqual(different, [fileIdOf(changed!)])
})

async function rowsOf(host: ScriptedHost) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'manifest-'))
  const path = join(folder.path, 'Manifest.db')
  await writeFile(path, host.files.get(`${UDID}/Manifest.db`)!)
  using manifest = openManifestDb(path)
  return [...manifest.rows()]
}

test('the manifest lists every entry as the phone has it', async () => {
  const phone = newPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  const rows = new Map((await rowsOf(host)).map((row) => [row.fileId as string, row]))
  const entries = [...phone.contents.entries()]
  assert.equal(rows.size, entries.length)
  for (const entry of entries) {
    const row = rows.get(fileIdOf(entry))!
    const { domain, relativePath, kind, modifiedS, size: sizeBytes, mode, target } = entry
    const record = decodeFileRecord(row.record)
    assert.deepEqual([row.domain, row.relativePath, row.kind], [domain, relativePath, kind])
    const { modifiedS: m, sizeBytes: s, mode: o, target: t } = record
    assert.deepEqual([m, s, o, t], [modifiedS, sizeBytes, mode, target])
    const bytes = host.files.get(`${UDID}/${row.fileId.slice(0, 2)}/${row.fileId}`)
    const digest = kind === 'file' && domain === 'HomeDomain' ? hash('sha1', bytes!) : undefined
    if (domain === 'HomeDomain' || domain === 'CameraRollDomain') {
      assert.equal(record.digest && Buffer.from(record.digest).toString('hex'), digest, relativePath)
    }
  }
})

// Schema and header: docs/protocol/mobilebackup2.md#manifest (measured on a real backup).
test("the manifest's header and schema are those of a phone", async () => {
  const phone = newPhone({ files: 20, bytes: 1_000 })
  const host = newHost()
  await hold(host, phone, BACKUP)
  const bytes = Buffer.from(host.files.get(`${UDID}/Manifest.db`)!)
  assert.deepEqual([bytes[18], bytes[19]], [2, 2], 'WAL mode')
  assert.equal(bytes.readUInt16BE(16), 4_096, 'page size')
  assert.equal(bytes.readUInt32BE(40), 5, 'schema cookie')
  assert.equal(bytes.readUInt32BE(60), 2, 'user version')
  assert.equal(bytes.readUInt32BE(64), 1, 'incremental vacuum')
  bytes.fill(1, 18, 20)
  using database = new DatabaseSync(':memory:')
  database.deserialize(bytes)
  assert.deepEqual(
    database
      .prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY rowid")
      .all()
      .map(({ name }) => name),
    ['Files', 'FilesDomainIdx', 'FilesRelativePathIdx', 'FilesFlagsIdx', 'Properties'],
  )
  assert.equal(database.prepare('PRAGMA quick_check').get()?.quick_check, 'ok')
})

test('a file that changes while it is read is sent once more, after a second look around', async () => {
  const phone = newPhone()
  const host = newHost()
  const victim = filesOf(phone).find(({ domain, size }) => domain === 'HomeDomain' && size > 0)!
  let times = 0
  phone.agent.afterRead = ({ domain, relativePath }) => {
    if (domain !== victim.domain || relativePath !== victim.relativePath) return
    if (times++ === 0) phone.contents.write(victim, Buffer.from('changed under the reader'))
  }
  const { response, transcript, received } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.equal(received.filter((path) => path.endsWith(fileIdOf(victim))).length, 2)
  assert.deepEqual(shorten(transcript).slice(9, 16), [
    'free space',
    ...FOLDERS,
    'upload U/Status.plist (192 bytes: empty uploading full)',
    'upload S/**/* (1)',
  ])
  await assertHolds(host, phone)
})

test('a file that never stands still does not keep the backup from ending', async () => {
  const phone = newPhone({ files: 30, bytes: 5_000 })
  const victim = filesOf(phone)[0]!
  phone.agent.afterRead = ({ relativePath }) => {
    if (relativePath === victim.relativePath) phone.contents.write(victim, Buffer.from('again'))
  }
  const { response } = await hold(newHost(), phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
})

test('files that vanish before they are sent are left out, also those of the batch that is being sent', async () => {
  const phone = newPhone()
  const host = newHost()
  const [first, ...more] = filesOf(phone).slice(-10)
  host.meddle = ([name]) => {
    if (name === 'DLMessageGetFreeDiskSpace') phone.contents.remove(first!)
    return undefined
  }
  phone.agent.afterRead = () => {
    for (const victim of more) phone.contents.remove(victim)
  }
  const { response } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.equal(filesOf(phone).length, 290)
  await assertHolds(host, phone)
})

test('a file that cannot be read breaks off with a code of its own, and the backup ends with 104', async () => {
  const phone = newPhone({ files: 10, bytes: 1_000 })
  const host = newHost()
  const unreadable = (async function* () {
    yield Buffer.from('half of it')
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
  })()
  const [victim] = filesOf(phone)
  phone.contents.rewrite(victim!, { source: { blocks: () => unreadable }, seed: 0, size: 99 })
  const { response } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 104)
  assert.match(String(response?.ErrorDescription), /^Multiple errors uploading files .* \(MBErrorDomain\/101\)\.$/)
  assert.equal(
    [...host.files.keys()].some((path) => path.endsWith(fileIdOf(victim!))),
    false,
  )
})

test('progress is a real that grows from 0 to 100', async () => {
  const phone = newPhone({ files: 3, bytes: 2_000_000 })
  const host = newHost()
  const progress: number[] = []
  host.meddle = ([name, , second]) => {
    if (name === 'DLMessageUploadFiles') progress.push(second instanceof PlistReal ? second.value : Number.NaN)
    return undefined
  }
  await hold(host, phone, BACKUP)
  await assertHolds(host, phone)
  assert.ok(progress.length >= 6 && progress.every((percent) => percent >= 0 && percent <= 100))
  assert.deepEqual(
    progress,
    progress.toSorted((one, other) => one - other),
    'it never goes back',
  )
  assert.ok(progress.at(-1)! > 90)
})
