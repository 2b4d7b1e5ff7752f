import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSystemError } from './errors.ts'
import { replaceFile } from './replace-file.ts'

const openFolder = () => mkdtempDisposable(join(tmpdir(), 'phonekeep-replace-'))

test('a file is made with its folders, for this user only, and nothing is left beside it', async () => {
  await using folder = await openFolder()
  const file = join(folder.path, 'a', 'b', 'file')
  await replaceFile(file, 'text')
  assert.equal(await readFile(file, 'utf8'), 'text')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(folder.path, 'a', 'b')), ['file'])
})

test('what was there is replaced, whoever could read it', async () => {
  await using folder = await openFolder()
  const file = join(folder.path, 'file')
  await writeFile(file, 'a longer text than the new one', { mode: 0o644 })
  await replaceFile(file, Uint8Array.of(1, 2, 3))
  assert.deepEqual([...(await readFile(file))], [1, 2, 3])
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('of several at once one wins, whole', async () => {
  await using folder = await openFolder()
  const file = join(folder.path, 'new', 'file')
  const texts = Array.from({ length: 10 }, (_, index) => String(index).repeat(10_000))
  await Promise.all(texts.map((text) => replaceFile(file, text)))
  assert.ok(texts.includes(await readFile(file, 'utf8')))
  assert.deepEqual(await readdir(join(folder.path, 'new')), ['file'])
})

test('where it cannot be replaced, that is told, and no draft stays', async () => {
  await using folder = await openFolder()
  await mkdir(join(folder.path, 'taken', 'below'), { recursive: true })
  await assert.rejects(replaceFile(join(folder.path, 'taken'), ''), (error) => isSystemError(error, 'EISDIR'))
  assert.deepEqual(await readdir(folder.path), ['taken'])
  await writeFile(join(folder.path, 'file'), '')
  await assert.rejects(replaceFile(join(folder.path, 'file', 'below'), ''), isSystemError)
})
