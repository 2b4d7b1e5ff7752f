import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { isAppError } from '../base/errors.ts'
import { folderFiles } from './index.ts'

const signal = NEVER
const isDamaged = (error: unknown) => isAppError(error, 'backup-set.damaged')

/** `backup/ab/abc` with some bytes, `secret` beside the backup, and links to it. */
async function makeFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-folder-'))
  const backup = join(folder.path, 'backup')
  await mkdir(join(backup, 'ab'), { recursive: true })
  await mkdir(join(folder.path, 'outside'))
  await writeFile(join(folder.path, 'outside', 'secret'), 'secret')
  await writeFile(join(backup, 'ab', 'abc'), Buffer.alloc(600_000, 'abc'))
  await symlink(join(folder.path, 'outside', 'secret'), join(backup, 'Manifest.db'))
  await symlink('../outside', join(backup, 'cd'))
  await symlink('ab', join(backup, 'ef'))
  await symlink(backup, join(folder.path, 'by-link'))
  return { ...folder, path: folder.path, backup }
}

test('a file is read in pieces of a bounded size, as often as it is opened', async () => {
  await using folder = await makeFolder()
  const files = folderFiles(folder.backup)
  for (let round = 0; round < 2; round++) {
    const file = await files.open('ab/abc', { signal })
    assert.equal(file?.bytes, 600_000)
    const pieces = await Array.fromAsync(file.content)
    assert.ok(pieces.length > 1 && pieces.every(({ length }) => length <= 256 * 1024))
    assert.deepEqual(Buffer.concat(pieces), Buffer.alloc(600_000, 'abc'))
  }
})

test('the folder itself may be named by a link', async () => {
  await using folder = await makeFolder()
  assert.equal((await folderFiles(join(folder.path, 'by-link')).open('ab/abc', { signal }))?.bytes, 600_000)
})

test('what is not there is an answer', async () => {
  await using folder = await makeFolder()
  for (const path of ['Status.plist', 'ab/abd', 'zz/zzz', 'ab/abc/deeper']) {
    assert.equal(await folderFiles(folder.backup).open(path, { signal }), undefined)
  }
  assert.equal(await folderFiles(join(folder.path, 'nowhere')).open('a', { signal }), undefined)
})

for (const path of ['Manifest.db', 'cd/secret', 'ef/abc', 'ab']) {
  test(`${path}, a link or reached by one, or no file, is refused`, async () => {
    await using folder = await makeFolder()
    await assert.rejects(folderFiles(folder.backup).open(path, { signal }), isDamaged)
  })
}

for (const path of [
  '',
  '.',
  '..',
  '../outside/secret',
  'ab/../../outside/secret',
  '/etc/passwd',
  'ab//abc',
  'ab\\abc',
  'ab/a\0',
]) {
  test(`the path ${JSON.stringify(path)} is refused`, async () => {
    await using folder = await makeFolder()
    await assert.rejects(folderFiles(folder.backup).open(path, { signal }), isDamaged)
  })
}

test('an aborted reading rejects with the reason', async () => {
  await using folder = await makeFolder()
  const abort = new AbortController()
  const file = await folderFiles(folder.backup).open('ab/abc', { signal: abort.signal })
  const reading = async () => {
    for await (const _ of file!.content) abort.abort(new Error('enough'))
  }
  await assert.rejects(reading(), /enough/)
})
