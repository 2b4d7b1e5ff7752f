import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { dataPathOf, fileIdOf } from '../../src/backup-set/index.ts'
import { fixedBytes, type MadeBackup, type MadeEntry, makeBackup } from '../../src/backup-set/testing/made-backup.ts'
import { NEVER } from '../../src/base/abort.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, type World } from '../testing/world.ts'

const BACKUP_PASSWORD = 'backup pässword'

const PHOTO = {
  domain: 'CameraRollDomain',
  relativePath: 'Media/DCIM/IMG_1.HEIC',
  content: fixedBytes('photo', 70_000),
}
const SMS = {
  domain: 'HomeDomain',
  relativePath: 'Library/SMS/sms.db',
  content: fixedBytes('sms', 5000),
  withDigest: true,
}
const ENTRIES: readonly MadeEntry[] = [
  { domain: 'HomeDomain', relativePath: '' },
  { domain: 'HomeDomain', relativePath: 'Library/SMS' },
  SMS,
  { domain: 'HomeDomain', relativePath: 'Library/empty', content: Buffer.alloc(0) },
  { domain: 'HomeDomain', relativePath: 'Library/away', target: '/private/var/mobile/x' },
  PHOTO,
]

/** A snapshot, made by plain restic, of a backup folder deep in other folders. */
async function openWorldWith(backup: MadeBackup): Promise<World> {
  const world = await openWorld()
  const folder = join(world.folder, 'phone backups', '00008030-001122334455667E')
  for (const [path, bytes] of backup) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
  await restic(world.repositoryFolder, 'backup', folder)
  return world
}

/** Runs `phonekeep restore latest --files` into `out`. */
async function restoreFiles(world: World, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const target = join(world.folder, 'out')
  const command = ['restore', 'latest', '--files', '--to', target, ...args]
  return { target, ...(await phonekeep(command, { ...surroundings(world), ...env })) }
}

const ENCRYPTED = makeBackup({ entries: ENTRIES, password: BACKUP_PASSWORD })
const PASSWORD_ENV = { PHONEKEEP_BACKUP_PASSWORD: BACKUP_PASSWORD }

test('an encrypted backup is restored decrypted, every byte, with its password from the environment', async () => {
  await using world = await openWorldWith(ENCRYPTED)
  const { target, exitCode, out, err } = await restoreFiles(world, ['--json'], PASSWORD_ENV)
  assert.equal(exitCode, 0, err)
  for (const { domain, relativePath, content } of ENTRIES) {
    if (content) assert.deepEqual(await readFile(join(target, domain, relativePath)), Buffer.from(content))
  }
  const { files, folders, links, findings } = JSON.parse(out)
  assert.deepEqual({ files, folders, links }, { files: 3, folders: 2, links: 0 })
  assert.deepEqual(findings, [
    { kind: 'link-left-out', name: 'HomeDomain/Library/away', saw: 'it leads to /private/var/mobile/x' },
  ])
  assert.doesNotMatch(out + err, /pässword/)
  assert.deepEqual(
    (await readdir(join(world.folder, 'state'))).filter((name) => name.startsWith('phonekeep-index')),
    [],
  )
})

test('a part is selected by domain and path, with the password from a file', async () => {
  await using world = await openWorldWith(ENCRYPTED)
  const passwordFile = join(world.folder, 'backup-password')
  await writeFile(passwordFile, `${BACKUP_PASSWORD}\n`)
  const args = ['--backup-password-file', passwordFile, '--domain', 'HomeDomain', '--path', '/Library/SMS/']
  const { target, exitCode, err } = await restoreFiles(world, args)
  assert.equal(exitCode, 0, err)
  assert.deepEqual((await readdir(target, { recursive: true })).toSorted(), [
    'HomeDomain',
    'HomeDomain/Library',
    'HomeDomain/Library/SMS',
    'HomeDomain/Library/SMS/sms.db',
  ])
})

test('no password, a wrong one, and a part that is not there each end with a reason', async () => {
  await using world = await openWorldWith(ENCRYPTED)
  const nobody = await restoreFiles(world, [])
  assert.equal(nobody.exitCode, 2)
  assert.match(nobody.err, /PHONEKEEP_BACKUP_PASSWORD.*\[cli\.no-password\]/)
  const wrong = await restoreFiles(world, [], { PHONEKEEP_BACKUP_PASSWORD: 'wrong pässword' })
  assert.notEqual(wrong.exitCode, 0)
  assert.match(wrong.err, /\[backup-set\.wrong-password\]/)
  assert.doesNotMatch(wrong.err, /pässword/)
  const nothing = await restoreFiles(world, ['--domain', 'homedomain'], PASSWORD_ENV)
  assert.equal(nothing.exitCode, 2)
  assert.match(nothing.err, /nothing of this domain and path/)
  const { exitCode, err } = await phonekeep(
    ['restore', 'latest', '--to', join(world.folder, 'x'), '--path', 'a'],
    surroundings(world),
  )
  assert.equal(exitCode, 2)
  assert.match(err, /Add --files/)
})

test('what is damaged is named, everything else is restored, and the exit code says that it is not all', async () => {
  const backup = new Map(ENCRYPTED)
  backup.delete(dataPathOf(fileIdOf(PHOTO)))
  const sms = Buffer.from(backup.get(dataPathOf(fileIdOf(SMS)))!)
  sms[99]! ^= 1
  backup.set(dataPathOf(fileIdOf(SMS)), sms)
  await using world = await openWorldWith(backup)
  const { target, exitCode, out, err } = await restoreFiles(world, [], PASSWORD_ENV)
  assert.equal(exitCode, 1)
  assert.match(out, /^NOT RESTORED: CameraRollDomain\/Media\/DCIM\/IMG_1\.HEIC: /m)
  assert.match(out, /^PERHAPS DAMAGED: HomeDomain\/Library\/SMS\/sms\.db: /m)
  assert.match(out, /^Restored 2 files /m)
  assert.match(err, /^2 files or folders could not be restored as they were/m)
  assert.equal((await readFile(join(target, 'HomeDomain/Library/SMS/sms.db'))).length, SMS.content.length)
})

test('a backup of the virtual phone is restored by domain and path as it is on the phone, and no password is asked for', async () => {
  await using world = await openWorld()
  await world.backUp()
  const { target, exitCode, out, err } = await restoreFiles(world, ['--json'])
  assert.equal(exitCode, 0, err)
  const { contents } = world.virtual
  let files = 0
  for (const entry of contents.entries()) {
    if (entry.kind !== 'file') continue
    files += 1
    const content = Buffer.concat(await Array.fromAsync(contents.read(entry, { signal: NEVER })))
    assert.deepEqual(await readFile(join(target, entry.domain, entry.relativePath)), content, entry.relativePath)
  }
  assert.ok(files > 20)
  assert.equal(JSON.parse(out).files, files)
})
