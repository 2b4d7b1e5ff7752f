import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathOf } from '../backend/backend.ts'
import { type Id, sha256 } from '../format/id.ts'
import { memoryRepository, openedAgain } from '../testing/repositories.ts'
import { signal } from '../testing/restic.ts'
import type { PackedBlob } from './blob-index.ts'
import { encodeIndexFile } from './index-file.ts'

const options = { signal }
const idOf = (text: string) => sha256(Buffer.from(text))
const blobOf = (name: string): PackedBlob => ({
  type: 'data',
  id: idOf(name),
  offset: 0,
  length: 40,
  uncompressedLength: 8,
})

/** A repository where a writer elsewhere lists packs of one blob each: their names, and the blob's. */
async function openedRepository() {
  const { backend, repository: elsewhere } = await memoryRepository()
  const repository = await openedAgain(backend)
  const listed: string[] = []
  const load = backend.load.bind(backend)
  backend.load = async (name, ...rest) => {
    if (name.kind === 'index') listed.push(name.id)
    return await load(name, ...rest)
  }
  const add = async (...names: readonly string[]): Promise<Id> => {
    const packs = names.map((name) => ({ id: idOf(`pack ${name}`), blobs: [blobOf(name)] }))
    return await elsewhere.saveUnpacked('index', encodeIndexFile(packs), options)
  }
  const remove = (id: Id) => backend.remove({ kind: 'index', id }, options)
  const reads = async (): Promise<readonly string[]> => {
    listed.length = 0
    await repository.loadIndex(options)
    return listed.toSorted()
  }
  const has = (name: string) => repository.index.has('data', idOf(name))
  return { repository, backend, add, remove, reads, has }
}

test('index files that were read are not read again', async () => {
  const { add, reads, has } = await openedRepository()
  const first = await add('a')
  assert.deepEqual(await reads(), [first])
  const second = await add('b', 'c')
  assert.deepEqual(await reads(), [second])
  assert.deepEqual(await reads(), [])
  assert.deepEqual(['a', 'b', 'c', 'd'].map(has), [true, true, true, false])
})

test('when an index file is gone, the packs that only it listed are gone, too', async () => {
  const { add, remove, reads, has } = await openedRepository()
  const first = await add('a', 'b')
  const second = await add('c')
  await reads()
  await remove(first)
  const third = await add('b')
  assert.deepEqual(await reads(), [second, third].toSorted())
  assert.deepEqual(['a', 'b', 'c'].map(has), [false, true, true])
})

test('what was added to the index since, by a writer of ours, counts only if a file lists it', async () => {
  const { repository, add, reads, has } = await openedRepository()
  const first = await add('a')
  await reads()
  repository.index.addPack(idOf('pruned since'), [blobOf('b')])
  assert.deepEqual(await reads(), [first])
  assert.deepEqual(['a', 'b'].map(has), [true, false])
})

test('a file that cannot be read leaves nothing behind that the next time is taken for known', async () => {
  const { backend, add, remove, reads, has } = await openedRepository()
  const first = await add('a')
  await reads()
  const second = await add('b')
  const broken = await add('c')
  const bytes = backend.files.get(pathOf({ kind: 'index', id: broken })) ?? assert.fail()
  bytes[20]! ^= 1
  await assert.rejects(reads())
  await remove(broken)
  await remove(second)
  assert.deepEqual(await reads(), [first])
  assert.deepEqual(['a', 'b', 'c'].map(has), [true, false, false])
})
