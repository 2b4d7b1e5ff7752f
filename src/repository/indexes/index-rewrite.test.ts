import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import type { Repository } from '../repository.ts'
import { memoryRepository } from '../testing/repositories.ts'
import { signal } from '../testing/restic.ts'
import { decodeIndexFile, encodeIndexFile, type IndexedPack } from './index-file.ts'
import { rewriteIndex } from './index-rewrite.ts'

const idOf = (text: string) => sha256(Buffer.from(text))

function pack(name: string, blobs = 1): IndexedPack {
  const blobsOf = Array.from({ length: blobs }, (_, n) => ({
    type: 'data' as const,
    id: idOf(`${name} ${n}`),
    offset: n * 40,
    length: 40,
    uncompressedLength: 8,
  }))
  return { id: idOf(name), blobs: blobsOf }
}

const save = (repository: Repository, packs: readonly IndexedPack[]) =>
  repository.saveUnpacked('index', encodeIndexFile(packs), { signal })

/** The index files but for these, largest first. */
async function filesWithout(repository: Repository, replaced: readonly Id[]) {
  const files = []
  for await (const { id } of repository.backend.list('index', { signal })) {
    if (replaced.includes(id)) continue
    const text = (await repository.loadUnpacked('index', id, { signal })) ?? ''
    files.push({ id, text, ...decodeIndexFile(text, 'index') })
  }
  return files.sort((left, right) => right.packs.length - left.packs.length)
}

const namesOf = (packs: readonly { readonly id: Id }[]) => packs.map(({ id }) => id).sort()
const idsOf = (...names: readonly string[]) => names.map(idOf).sort()
const change = (gone: readonly string[], added: readonly IndexedPack[] = []) => ({
  gone: new Set(idsOf(...gone)),
  added,
})

test('what is gone is left out, what is new is listed, and the old files are still there', async () => {
  const { repository } = await memoryRepository()
  const old = await save(repository, [pack('a'), pack('b'), pack('c')])
  const replaced = await rewriteIndex(repository, change(['b'], [pack('d')]), { signal })
  assert.deepEqual(replaced, [old])
  assert.equal((await filesWithout(repository, [])).length, 2)
  const [file, ...others] = await filesWithout(repository, replaced)
  assert.deepEqual(others, [])
  assert.deepEqual(namesOf(file?.packs ?? []), idsOf('a', 'c', 'd'))
  assert.deepEqual(
    file?.packs.find(({ id }) => id === idOf('d')),
    pack('d'),
  )
})

test('a file that nothing happens to is left alone', async () => {
  const { repository } = await memoryRepository()
  await save(repository, [pack('a'), pack('b')])
  assert.deepEqual(await rewriteIndex(repository, change(['x']), { signal }), [])
  assert.equal((await filesWithout(repository, [])).length, 1)
})

test('files with many blobs stay apart, and none has more than 50,000 unless one pack has', async () => {
  const { repository } = await memoryRepository()
  const names = Array.from({ length: 9 }, (_, n) => `pack ${n}`)
  const large = await save(
    repository,
    names.slice(0, 4).map((name) => pack(name, 10_000)),
  ) // prettier-ignore
  await save(
    repository,
    names.slice(4).map((name) => pack(name, 10_000)),
  ) // prettier-ignore
  const replaced = await rewriteIndex(repository, change(['pack 0', 'pack 8'], [pack('huge', 60_000)]), { signal })
  assert.equal(replaced.length, 2)
  assert.ok(replaced.includes(large))
  const files = await filesWithout(repository, replaced)
  assert.deepEqual(
    files.map(({ packs }) => packs.reduce((sum, { blobs }) => sum + blobs.length, 0)).sort(),
    [20_000, 50_000, 60_000],
  )
})

test('a pack that two files list is listed once', async () => {
  const { repository } = await memoryRepository()
  await save(repository, [pack('a'), pack('b'), pack('c')])
  await save(repository, [pack('b'), pack('d')])
  const replaced = await rewriteIndex(repository, change([]), { signal })
  const files = await filesWithout(repository, replaced)
  assert.deepEqual(namesOf(files.flatMap(({ packs }) => packs)), idsOf('a', 'b', 'c', 'd'))
})

test('a pack that two files list with different blobs stays in both', async () => {
  const { repository } = await memoryRepository()
  await save(repository, [pack('a'), pack('b')])
  await save(repository, [{ ...pack('c'), id: idOf('a') }])
  const replaced = await rewriteIndex(repository, change(['b']), { signal })
  const files = await filesWithout(repository, replaced)
  assert.deepEqual(namesOf(files.flatMap(({ packs }) => packs)), idsOf('a', 'a'))
})

test('when nothing is left, no file is', async () => {
  const { repository } = await memoryRepository()
  const old = await save(repository, [pack('a')])
  assert.deepEqual(await rewriteIndex(repository, change(['a']), { signal }), [old])
  assert.equal((await filesWithout(repository, [])).length, 1)
})

test('packs that another program has marked stay marked, and what it says of packs stays said', async () => {
  const { repository } = await memoryRepository()
  const marked = { id: idOf('marked'), time: '2026-01-01T00:00:00Z', blobs: [] }
  const { packs } = JSON.parse(encodeIndexFile([pack('a'), pack('b')]))
  const file = {
    supersedes: [idOf('old')],
    packs: packs.map((each: object) => ({ ...each, size: 7 })),
    packs_to_delete: [marked],
  }
  const old = await repository.saveUnpacked('index', JSON.stringify(file), { signal })
  assert.deepEqual(await rewriteIndex(repository, change(['a']), { signal }), [old])
  const [written] = await filesWithout(repository, [old])
  const { packs: left, packs_to_delete, ...rest } = JSON.parse(written?.text ?? '')
  assert.deepEqual([left.length, left[0].size, packs_to_delete, rest], [1, 7, [marked], {}])
})

test('an index file that cannot be read ends it', async () => {
  const { repository } = await memoryRepository()
  for (const text of ['[]', '{}', '{"packs":[{"id":"x","blobs":[]}]}', '{"packs":3}', 'null']) {
    const id = await repository.saveUnpacked('index', text, { signal }).catch(() => undefined)
    const refused = (error: unknown) => isAppError(error, 'repo.damaged')
    await assert.rejects(rewriteIndex(repository, change([]), { signal }), refused, text)
    if (id !== undefined) await repository.backend.remove({ kind: 'index', id }, { signal })
  }
})
