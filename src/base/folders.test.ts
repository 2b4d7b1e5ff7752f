import assert from 'node:assert/strict'
import { mkdtempDisposable, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSystemError } from './errors.ts'
import { makeFolder, namingPath } from './folders.ts'

const openFolder = () => mkdtempDisposable(join(tmpdir(), 'phonekeep-folders-'))

test('a folder is made with those above it, for this user only, and a second time is no error', async () => {
  await using folder = await openFolder()
  const deep = join(folder.path, 'a', 'b', 'c')
  assert.deepEqual(
    await makeFolder(deep),
    ['a', 'a/b', 'a/b/c'].map((path) => join(folder.path, path)),
  )
  assert.deepEqual(await makeFolder(deep), [])
  assert.equal((await stat(join(folder.path, 'a'))).mode & 0o777, 0o700)
})

test('a link to a folder is one', async () => {
  await using folder = await openFolder()
  await symlink(folder.path, join(folder.path, 'link'))
  await makeFolder(join(folder.path, 'link'))
})

test('a file in the way is an error', async () => {
  await using folder = await openFolder()
  await writeFile(join(folder.path, 'file'), '')
  await assert.rejects(makeFolder(join(folder.path, 'file')), (error) => isSystemError(error, 'EEXIST'))
  await assert.rejects(makeFolder(join(folder.path, 'file', 'below')), (error) => isSystemError(error, 'ENOTDIR'))
})

test('where nothing can be made, it is an error and does not go on for ever', async () => {
  await assert.rejects(makeFolder('/proc/phonekeep'), (error) => isSystemError(error, 'ENOENT'))
  await assert.rejects(makeFolder('/proc/phonekeep/below'), (error) => isSystemError(error, 'ENOENT'))
})

test('several may make the same folders at once', async () => {
  await using folder = await openFolder()
  for (let round = 0; round < 20; round++) {
    const deep = join(folder.path, String(round), 'b', 'c')
    await Promise.all(Array.from({ length: 6 }, () => makeFolder(deep)))
    assert.ok((await stat(deep)).isDirectory())
  }
})

test('a refusal that names no place is given one, and any other stays as it is', async () => {
  const refusal = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  await assert.rejects(
    namingPath('/a/file', () => Promise.reject(refusal)),
    { code: 'ENOSPC', path: '/a/file' },
  )
  const named = Object.assign(new Error('EROFS'), { code: 'EROFS', path: '/elsewhere' })
  await assert.rejects(
    namingPath('/a/file', () => Promise.reject(named)),
    { path: '/elsewhere' },
  )
  const fault = new TypeError('no refusal')
  await assert.rejects(
    namingPath('/a/file', () => Promise.reject(fault)),
    (error) => error === fault && !('path' in error),
  )
})
