import assert from 'node:assert/strict'
import { lstat, readdir, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Secret } from '../../src/base/secret.ts'
import { hashFolder } from '../testing/backup-folder.ts'
import { theirBackup } from '../testing/idevicebackup2.ts'
import { addOddFiles } from '../testing/odd-files.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { digestsOf, FEW_ITERATIONS } from '../testing/restore-world.ts'
import { openWorld, type World } from '../testing/world.ts'

const BACKUP_PASSWORD = 'Straße 7 🔑'

/** Backs the phone up as a person does, and gives the folder that plain restic restores. */
async function phonekeepAndRestic(world: World): Promise<string> {
  const { exitCode, out, err } = await phonekeep(['backup', '--json'], surroundings(world))
  assert.equal(exitCode, 0, err)
  const { snapshot } = JSON.parse(out)
  const target = join(world.folder, snapshot)
  await restic(world.repositoryFolder, 'restore', snapshot, '--target', target)
  return join(target, world.virtual.udid)
}

/** Of a backup folder, by path. Info.plist is the host's own, with a random number and the time in it. */
async function phonesOwnFiles(folder: string): Promise<readonly string[]> {
  const hashes = await hashFolder(folder)
  assert.ok(hashes.delete('Info.plist'))
  return [...hashes].map(([path, hash]) => `${hash} ${path}`).toSorted()
}

async function assertSame(world: World): Promise<void> {
  assert.deepEqual(
    await phonesOwnFiles(await phonekeepAndRestic(world)),
    await phonesOwnFiles(await theirBackup(world)),
  )
}

interface PlainFile {
  readonly modifiedS: number
  /** A file's digest, a link's target; folders have none. */
  readonly content: string | undefined
}

/** By domain and path: what `phonekeep restore --files` writes of the newest snapshot. And what it reports. */
async function restoreFiles(world: World) {
  const passwordFile = join(world.folder, 'backup password')
  await writeFile(passwordFile, `${BACKUP_PASSWORD}\n`)
  const target = join(world.folder, 'files')
  const args = ['restore', 'latest', '--files', '--to', target, '--backup-password-file', passwordFile, '--json']
  const { exitCode, out, err } = await phonekeep(args, surroundings(world))
  assert.equal(exitCode, 0, err)
  const hashes = await hashFolder(target)
  const files = new Map<string, PlainFile>()
  for (const path of await readdir(target, { recursive: true })) {
    const info = await lstat(join(target, path))
    const content = info.isSymbolicLink() ? await readlink(join(target, path)) : hashes.get(path)
    files.set(path, { modifiedS: info.mtimeMs / 1000, content })
  }
  return { files, findings: JSON.parse(out).findings }
}

/** The same of the phone. */
async function filesOfPhone({ virtual }: World): Promise<Map<string, PlainFile>> {
  const files = new Map<string, PlainFile>()
  for (const { domain, relativePath, modifiedS, target, sha256 } of await digestsOf(virtual.contents)) {
    files.set(relativePath === '' ? domain : `${domain}/${relativePath}`, { modifiedS, content: sha256 ?? target })
  }
  return files
}

// Side by side: idevicebackup2 spends most of its time asleep.
describe('idevicebackup2 and Phonekeep end with the same files and the same bytes, full and incremental', {
  concurrency: true,
}, () => {
  test('of a phone without a backup password', async () => {
    await using world = await openWorld({ files: 300, bytes: 10_000_000 })
    await assertSame(world)
    world.virtual.contents.change({ seed: 5, add: 10, rewrite: 10, move: 10, remove: 10 })
    await assertSame(world)
  })

  test('of a phone that encrypts its backups; "restore --files" then gives what was on the phone', async () => {
    const encryption = { password: new Secret(BACKUP_PASSWORD), iterations: FEW_ITERATIONS }
    await using world = await openWorld({ files: 200, bytes: 5_000_000, virtual: { encryption } })
    addOddFiles(world.virtual.contents)
    await assertSame(world)
    world.virtual.contents.change({ seed: 5, add: 10, rewrite: 10, move: 10, remove: 10 })
    await assertSame(world)

    const { files, findings } = await restoreFiles(world)
    const expected = await filesOfPhone(world)
    const leadsAway = 'HomeDomain/Library/Fonts/current'
    assert.ok(expected.delete(leadsAway))
    assert.deepEqual(files, expected)
    assert.deepEqual(
      findings.map(({ kind, name }: { kind: string; name: string }) => [kind, name]),
      [['link-left-out', leadsAway]],
    )
  })
})
