import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { folderFiles, openBackupSet } from '../../../backup-set/index.ts'
import { NEVER } from '../../../base/abort.ts'
import { Secret } from '../../../base/secret.ts'
import { decryptBackup } from '../../testing/decrypted-backup.ts'
import { openToolWorld } from '../../testing/tool-world.ts'
import { fileIdOf } from '../file-id.ts'

const signal = NEVER
const PASSWORD = 'correct horse ë'

/** A phone with quick key bags, and what runs idevicebackup2 with it. */
async function openWorld(password?: string) {
  const encryption = { iterations: 10, ...(password !== undefined && { password: new Secret(password) }) }
  const world = await openToolWorld({ files: 100, encryption })
  const run = (...args: readonly string[]) => world.run('idevicebackup2', ...args)
  return { ...world, run, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

type World = Awaited<ReturnType<typeof openWorld>>

/** The folder decrypts to exactly the phone's entries, and to the bytes of every file. */
async function assertDecrypts({ phone, contents, folder }: World, password: string): Promise<void> {
  const backup = join(folder, phone.udid)
  const entries = await decryptBackup((path) => readFile(join(backup, path)), password)
  assert.deepEqual([...entries.keys()].sort(), Array.from(contents.entries(), fileIdOf).sort())
  for (const entry of contents.entries()) {
    const { bytes } = entries.get(fileIdOf(entry))!
    if (entry.kind !== 'file') continue
    const expected = Buffer.concat(await Array.fromAsync(contents.read(entry, { signal })))
    assert.equal(bytes && Buffer.compare(bytes, expected), 0, entry.relativePath)
  }
  assert.deepEqual((await readdir(backup)).filter((name) => !/^[0-9a-f]{2}$/.test(name)).sort(), [
    'Info.plist',
    'Manifest.db',
    'Manifest.plist',
    'Status.plist',
  ])
}

/** So does the room that reads backups, which is written without looking at the phone. */
async function assertBackupSetReads({ phone, contents, folder }: World, password: string): Promise<void> {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'backup-set-'))
  const options = { password: new Secret(password), tempFolder: temp.path, signal }
  await using set = await openBackupSet(folderFiles(join(folder, phone.udid)), options)
  assert.equal(set.isEncrypted, true)
  for (const entry of contents.entries()) {
    if (entry.kind !== 'file') continue
    const bytes = Buffer.concat(await Array.fromAsync(set.read(set.find(entry)!, { signal })))
    const expected = Buffer.concat(await Array.fromAsync(contents.read(entry, { signal })))
    assert.equal(Buffer.compare(bytes, expected), 0, entry.relativePath)
  }
}

const willEncrypt = ({ phone }: World) => phone.values.get('com.apple.mobile.backup', 'WillEncrypt')

// Side by side: idevicebackup2 spends most of its time asleep.
describe('idevicebackup2 and encryption', { concurrency: true }, () => {
  test('encryption on, then a full and an incremental backup that decrypt to the phone', async () => {
    await using world = await openWorld()
    const { run, folder, contents } = world
    assert.match(await run('encryption', 'on', PASSWORD, folder), /Backup encryption has been enabled successfully/)
    assert.equal(willEncrypt(world), true)
    const first = await run('backup', folder)
    assert.match(first, /Backup will be encrypted/)
    assert.match(first, /Backup Successful/)
    await assertDecrypts(world, PASSWORD)
    contents.change({ seed: 1, add: 2, rewrite: 5, move: 2, remove: 3 })
    const second = await run('backup', folder)
    assert.match(second, /Backup Successful/)
    assert.match(second, /Received 15 files/, 'nine that changed, two manifests, four times the status')
    await assertDecrypts(world, PASSWORD)
    await assertBackupSetReads(world, PASSWORD)
  })

  test('after changepw the next backup is full', async () => {
    await using world = await openWorld(PASSWORD)
    const { run, folder } = world
    assert.match(await run('backup', folder), /Backup Successful/)
    assert.match(await run('changepw', PASSWORD, 'new', folder), /password has been changed successfully/)
    const full = await run('backup', folder)
    assert.match(full, /Backup Successful/)
    assert.match(full, /Received 106 files/, 'the tool keeps the backup from following the password')
    await assertDecrypts(world, 'new')
  })

  test('after encryption off the next backup is unencrypted', async () => {
    await using world = await openWorld(PASSWORD)
    const { run, folder } = world
    assert.match(await run('encryption', 'off', PASSWORD, folder), /Backup encryption has been disabled successfully/)
    assert.equal(willEncrypt(world), false)
    assert.match(await run('backup', folder), /Backup will be unencrypted[\s\S]*Backup Successful/)
  })

  test('wrong passwords are told, and change nothing', async () => {
    await using world = await openWorld(PASSWORD)
    const { run, folder } = world
    assert.match(await run('encryption', 'on', 'other', folder), /Backup encryption is already enabled/)
    assert.match(
      await run('changepw', 'wrong', 'other', folder),
      /ErrorCode 207: Invalid password \(MBErrorDomain\/207\)/,
    )
    assert.match(
      await run('encryption', 'off', 'wrong', folder),
      /ErrorCode 207: Invalid password \(MBErrorDomain\/207\)/,
    )
    assert.equal(willEncrypt(world), true)
  })

  test('cloud on and off, and without an account', async () => {
    await using world = await openWorld()
    const { run, folder, phone } = world
    const isEnabled = () => phone.values.get('com.apple.mobile.backup', 'CloudBackupEnabled')
    assert.match(await run('cloud', 'off', folder), /Cloud backup has been disabled successfully/)
    assert.equal(isEnabled(), false)
    assert.match(await run('cloud', 'on', folder), /Cloud backup has been enabled successfully/)
    assert.equal(isEnabled(), true)
    phone.condition.set({ hasCloudAccount: false })
    assert.match(await run('cloud', 'off', folder), /ErrorCode 1: No account exists \(MBErrorDomain\/1\)/)
    assert.equal(isEnabled(), true)
  })

  test('info and list of an encrypted backup are error 207', async () => {
    await using world = await openWorld(PASSWORD)
    const { run, folder } = world
    assert.match(await run('backup', folder), /Backup Successful/)
    for (const command of ['info', 'list']) assert.match(await run(command, folder), /ErrorCode 207/)
  })

  test('an encrypted first backup whose cable was pulled begins again', async () => {
    await using world = await openWorld(PASSWORD)
    const { run, folder, phone, contents } = world
    phone.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes: contents.totals.bytes })
    assert.doesNotMatch(await run('backup', folder), /Backup Successful/)
    assert.match(await run('backup', folder), /Backup Successful/)
    await assertDecrypts(world, PASSWORD)
  })
})
