import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathOf } from '../backend/backend.ts'
import { sha256 } from '../format/id.ts'
import { backUp, memoryRepository, openedAgain } from '../testing/repositories.ts'
import { signal } from '../testing/restic.ts'
import { isTreeWhole } from './tree-whole.ts'

test('a tree is whole only if every blob of it is listed', async () => {
  const { backend, repository } = await memoryRepository()
  const { tree } = await backUp(repository, { 'u/a': Buffer.from('a'), 'u/b/c': Buffer.from('c') })
  assert.equal(await isTreeWhole(repository, tree, { signal }), true)
  assert.equal(await isTreeWhole(repository, sha256(Buffer.from('another')), { signal }), false)
  await backUp(repository, { x: Buffer.from('x') })
  for (const path of [...backend.files.keys()].filter((each) => each.startsWith('index/')).slice(0, 1))
    backend.files.delete(path)
  assert.equal(await isTreeWhole(await openedAgain(backend), tree, { signal }), false)
})

test('a tree whose data is not listed is not whole, though all its folders are', async () => {
  const { backend, repository } = await memoryRepository()
  const { tree } = await backUp(repository, { 'u/a': Buffer.from('a') })
  const pack = repository.index.find('data', sha256(Buffer.from('a')))!.packId
  const [index] = (await Array.fromAsync(backend.list('index', { signal }))).map(({ id }) => id)
  const text = await repository.loadUnpacked('index', index!, { signal })
  backend.files.delete(pathOf({ kind: 'index', id: index! }))
  const { packs }: { packs: { id: string }[] } = JSON.parse(text!)
  await repository.saveUnpacked('index', JSON.stringify({ packs: packs.filter(({ id }) => id !== pack) }), { signal })
  assert.equal(await isTreeWhole(await openedAgain(backend), tree, { signal }), false)
})
