import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Id, parseId } from '../repository/index.ts'
import { openResumeStore } from './resume-store.ts'

const idOf = (digit: string): Id => {
  const id = parseId(digit.repeat(64))
  assert.ok(id)
  return id
}
const name = { repositoryId: 'a'.repeat(64), udid: '00008120-000000000000001E' }
const openFolder = () => mkdtempDisposable(join(tmpdir(), 'phonekeep-resume-'))

test('a checkpoint is read back as it was written, until it is removed', async () => {
  await using folder = await openFolder()
  const store = openResumeStore(join(folder.path, 'made when needed'), name)
  assert.equal(await store.read(), undefined)
  for (const checkpoint of [
    { tree: idOf('1'), baseSnapshot: undefined },
    { tree: idOf('2'), baseSnapshot: idOf('3') },
    { tree: undefined, baseSnapshot: idOf('3') },
  ]) {
    await store.write(checkpoint)
    assert.deepEqual(await store.read(), checkpoint)
  }
  await store.remove()
  await store.remove()
  assert.equal(await store.read(), undefined)
})

test('phones and repositories have checkpoints of their own', async () => {
  await using folder = await openFolder()
  await openResumeStore(folder.path, name).write({ tree: idOf('1'), baseSnapshot: undefined })
  assert.equal(await openResumeStore(folder.path, { ...name, udid: 'f'.repeat(40) }).read(), undefined)
  assert.equal(await openResumeStore(folder.path, { ...name, repositoryId: 'b'.repeat(64) }).read(), undefined)
})

for (const text of [
  '',
  '{',
  'null',
  '{}',
  '42',
  '{"tree":"../../etc/passwd"}',
  `{"tree":"${'1'.repeat(64)}","baseSnapshot":7}`,
]) {
  test(`a file that says ${JSON.stringify(text)} is no checkpoint`, async () => {
    await using folder = await openFolder()
    const store = openResumeStore(folder.path, name)
    await store.write({ tree: idOf('1'), baseSnapshot: undefined })
    const [file] = await readdir(folder.path)
    await writeFile(join(folder.path, String(file)), text)
    assert.equal(await store.read(), undefined)
  })
}
