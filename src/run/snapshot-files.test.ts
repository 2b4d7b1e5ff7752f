import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { systemClock as clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { createRepository, goTime, openLocalBackend, openTree, openWriter, saveSnapshot } from '../repository/index.ts'
import { openSnapshotFiles } from './index.ts'

const signal = NEVER

/** A repository with one snapshot of these files, by path. Disposing removes it. */
async function openWorld(files: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-snapshot-'))
  const password = new Secret('correct horse')
  const kdf = { N: 16, r: 8, p: 1 }
  const repository = await createRepository(openLocalBackend(folder.path), { password, clock, signal, kdf })
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, undefined)
  for (const [path, text] of Object.entries(files)) {
    const file = writer.openFile()
    await file.write(Buffer.from(text))
    await tree.putFile(path.split('/'), { ...(await file.finish()), modifiedMs: 0 }, { signal })
  }
  const root = await tree.commit({ signal })
  await writer.flush({ signal })
  const fields = { time: goTime(0), tree: root, paths: ['/udid'], hostname: 'iphone', username: 'phonekeep' }
  const snapshot = await saveSnapshot(repository, fields, { signal })
  return { repository, snapshot, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const BACKUP = {
  'Manifest.plist': 'manifest',
  'Status.plist': 'status',
  'ab/abc': 'content',
  'Snapshot/Status.plist': 'x',
}
const at = (folder: string) =>
  Object.fromEntries(Object.entries(BACKUP).map(([path, text]) => [`${folder}${path}`, text]))

for (const folder of ['', 'udid/', 'home/ana/phone backups/udid/']) {
  test(`the backup in a snapshot is found in "${folder}", and its files are read from the repository`, async () => {
    await using world = await openWorld({ ...at(folder), 'home/other/Manifest.plist': 'no backup', 'home/x': '' })
    const files = await openSnapshotFiles(world.repository, world.snapshot, { signal })
    assert.deepEqual(files.folder, folder.split('/').slice(0, -1))
    const file = await files.open('ab/abc', { signal })
    assert.equal(file?.bytes, 7)
    assert.equal(Buffer.concat(await Array.fromAsync(file.content)).toString(), 'content')
  })
}

test('what is no file in the backup is an answer, and so is what lies outside of it', async () => {
  await using world = await openWorld({ ...at('udid/'), 'outside/secret': 'secret' })
  const files = await openSnapshotFiles(world.repository, world.snapshot, { signal })
  for (const path of ['ab', 'nothing', '', '..', '../outside/secret', 'ab/../../outside/secret']) {
    assert.equal(await files.open(path, { signal }), undefined, path)
  }
})

const isNoBackup = (saw: RegExp) => (error: unknown) => isAppError(error, 'run.no-backup') && saw.test(error.message)

test('a snapshot without a backup, or with several, says so', async () => {
  await using none = await openWorld({ 'photos/a.jpg': 'a', 'photos/Manifest.plist': 'no backup' })
  await assert.rejects(openSnapshotFiles(none.repository, none.snapshot, { signal }), isNoBackup(/holds no backup/))
  await using two = await openWorld({ ...at('one/'), ...at('two/') })
  await assert.rejects(openSnapshotFiles(two.repository, two.snapshot, { signal }), isNoBackup(/holds 2 backups/))
})
