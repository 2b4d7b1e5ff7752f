import assert from 'node:assert/strict'
import { existsSync, symlinkSync } from 'node:fs'
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { isAppError } from '../base/errors.ts'
import { type Backend, pathOf } from './backend/backend.ts'
import { type Id, sha256 } from './format/id.ts'
import { BlobIndex, type BlobLocation } from './indexes/blob-index.ts'
import { BlobWindows } from './packs/blob-windows.ts'
import type { Repository } from './repository.ts'
import { type RestoreProgress, restoreTree } from './restore.ts'
import { seededBytes } from './testing/bytes.ts'
import { backUp, memoryRepository, openedAgain } from './testing/repositories.ts'
import { clock, signal, temporaryFolder } from './testing/restic.ts'
import { encodeFile, encodeFolder, encodeTree } from './trees/tree.ts'
import { openWriter } from './write/writer.ts'

const code = (wanted: string) => (error: unknown) => isAppError(error, wanted)

/** Stores a tree as it is given, also one that nobody would write. */
async function plantTree(repository: Repository, nodes: readonly string[]) {
  await using writer = openWriter(repository, { clock, signal })
  await writer.saveBlob('data', utf8('evil'))
  const tree = await writer.saveBlob('tree', utf8(encodeTree(nodes)))
  await writer.flush({ signal })
  return tree
}

const evil = { content: [sha256(utf8('evil'))], sizeBytes: 4, modifiedMs: 0, mode: 0o4777 }
const link = (name: string, target: string) =>
  `{"name":"${name}","type":"symlink","mode":134218239,"mtime":"2026-01-02T03:04:05Z","linktarget":"${target}","content":null}`

test('files come back with their bytes, times and permissions, into a folder that is made', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const files = { 'u/ab/one': Buffer.alloc(2_000_000, 'one'), 'u/empty': Buffer.alloc(0) }
  const { tree } = await backUp(repository, files)
  const seen: number[] = []
  const target = join(folder.path, 'new', 'target')
  const report = await restoreTree(repository, tree, target, { signal, onProgress: ({ files }) => seen.push(files) })
  assert.deepEqual(report, { files: 2, folders: 2, bytes: 2_000_000, skipped: [], damaged: [] })
  assert.equal(Math.max(...seen), 2)
  for (const [path, bytes] of Object.entries(files)) assert.ok(bytes.equals(await readFile(join(target, path))))
  const info = await lstat(join(target, 'u/ab/one'))
  assert.equal(info.mtimeMs, 1_700_000_000_123)
  assert.equal(info.mode & 0o7777, 0o600)
  assert.equal((await lstat(join(target, 'u'))).mtimeMs, clock.nowMs())
})

test('what is older than 1970 keeps its time', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const subtree = await plantTree(repository, [])
  const modifiedMs = Date.parse('1960-02-03T04:05:06.789Z')
  const tree = await plantTree(repository, [
    encodeFile('file', { ...evil, modifiedMs }),
    encodeFolder('folder', { subtree, modifiedMs, mode: 0o755 }),
    link('link', 'nowhere').replace('2026-01-02T03:04:05Z', '1960-02-03T04:05:06.789Z'),
  ])
  const target = join(folder.path, 'target')
  await restoreTree(repository, tree, target, { signal })
  for (const name of ['file', 'folder', 'link']) {
    assert.equal((await lstat(join(target, name))).mtimeMs, modifiedMs, name)
  }
})

test('a target with anything in it is refused, and stays as it was', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const { tree } = await backUp(repository, { a: Buffer.from('a') })
  await writeFile(join(folder.path, 'mine'), 'mine')
  await assert.rejects(restoreTree(repository, tree, folder.path, { signal }), code('repo.target-not-empty'))
  assert.deepEqual(await readdir(folder.path), ['mine'])
})

for (const name of ['', '.', '..', '../outside', '/tmp/outside', 'a/b', 'nul\0']) {
  test(`a file named ${JSON.stringify(name)} is refused, and nothing is written outside`, async () => {
    await using folder = await temporaryFolder()
    const { repository } = await memoryRepository()
    const tree = await plantTree(repository, [encodeFile(name, evil)])
    await assert.rejects(restoreTree(repository, tree, join(folder.path, 'target'), { signal }), code('repo.damaged'))
    assert.deepEqual(await readdir(folder.path, { recursive: true }), ['target'])
  })
}

test('a folder with a hostile name is refused as well', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const subtree = await plantTree(repository, [encodeFile('evil', evil)])
  const tree = await plantTree(repository, [encodeFolder('..', { subtree, modifiedMs: 0, mode: 0o755 })])
  await assert.rejects(restoreTree(repository, tree, join(folder.path, 'target'), { signal }), code('repo.damaged'))
  assert.deepEqual(await readdir(folder.path, { recursive: true }), ['target'])
})

test('links are made, never followed; special bits of a mode are left out', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const outside = join(folder.path, 'outside')
  await mkdir(outside)
  const tree = await plantTree(repository, [
    encodeFile('file', evil),
    link('to-outside', outside),
    link('to-passwd', '/etc/passwd'),
    '{"name":"zero","type":"chardev","mtime":"2026-01-02T03:04:05Z","content":null}',
  ])
  const target = join(folder.path, 'target')
  const report = await restoreTree(repository, tree, target, { signal })
  assert.equal(await readlink(join(target, 'to-outside')), outside)
  assert.equal((await lstat(join(target, 'to-passwd'))).mtimeMs, Date.parse('2026-01-02T03:04:05Z'))
  assert.equal((await lstat(join(target, 'file'))).mode & 0o7777, 0o777)
  assert.deepEqual(report.skipped, [join(target, 'zero')])
  assert.deepEqual(await readdir(outside), [])
})

test('a link that somebody puts in the place of a file is not written through', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const victim = join(folder.path, 'victim')
  await writeFile(victim, 'mine')
  const target = join(folder.path, 'target')
  const names = Array.from({ length: 10 }, (_, n) => `file ${n}`)
  const { tree } = await backUp(repository, Object.fromEntries(names.map((name) => [name, Buffer.from(name)])))
  const onProgress = ({ files }: RestoreProgress) => {
    if (files > 1) return
    for (const name of names) if (!existsSync(join(target, name))) symlinkSync(victim, join(target, name))
  }
  await assert.rejects(restoreTree(repository, tree, target, { signal, onProgress }), code('repo.unwritable'))
  assert.equal(await readFile(victim, 'utf8'), 'mine')
})

test('a file with a damaged blob is left out and named, and everything else is restored', async () => {
  await using folder = await temporaryFolder()
  const { repository, backend } = await memoryRepository()
  const { tree } = await backUp(repository, { a: Buffer.from('content'), 'b/c': Buffer.from('c') })
  const location = repository.index.find('data', sha256(utf8('content')))!
  const path = pathOf({ kind: 'pack', id: location.packId })
  const pack = Buffer.from(backend.files.get(path)!)
  pack[location.offset + 20]! ^= 1
  backend.files.set(path, pack)
  const target = join(folder.path, 'target')
  const { damaged, files } = await restoreTree(repository, tree, target, { signal })
  assert.deepEqual(
    damaged.map((one) => one.path),
    [join(target, 'a')],
  )
  assert.ok(isAppError(damaged[0]?.error, 'repo.damaged') && damaged[0].error.message.includes(location.id))
  assert.equal(files, 1)
  assert.deepEqual((await readdir(target, { recursive: true })).toSorted(), ['b', 'b/c'])
})

test('an aborted restore rejects with the reason', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const { tree } = await backUp(repository, { a: Buffer.from('a'), 'b/c': Buffer.from('c') })
  const abort = new AbortController()
  const onProgress = () => abort.abort(new Error('enough'))
  const restoring = restoreTree(repository, tree, join(folder.path, 'target'), { signal: abort.signal, onProgress })
  await assert.rejects(restoring, /enough/)
})

test('names that are no UTF-8 come back byte by byte', async () => {
  await using folder = await temporaryFolder()
  const { repository } = await memoryRepository()
  const { tree } = await backUp(repository, { 'raw\udcff': Buffer.from('raw') })
  await restoreTree(repository, tree, folder.path, { signal })
  const names = await readdir(folder.path, { encoding: 'buffer' })
  assert.deepEqual(names, [Buffer.from('726177ff', 'hex')])
})

/** Counts what is asked of a backend. */
function counting(inner: Backend) {
  const loads: { readonly path: string; readonly length: number }[] = []
  const backend: Backend = {
    ...inner,
    load: (name, range, options) => {
      loads.push({ path: pathOf(name), length: range.length })
      return inner.load(name, range, options)
    },
  }
  return { backend, loads }
}

test('small files that lie near each other come from one request, whatever folders they are in', async () => {
  await using folder = await temporaryFolder()
  const { repository, backend } = await memoryRepository()
  const files: Record<string, Buffer> = {}
  for (let n = 0; n < 300; n++) files[`u/${n % 16}/${n}`] = seededBytes(n, 5000)
  const { tree } = await backUp(repository, files)
  const { backend: counted, loads } = counting(backend)
  const opened = await openedAgain(counted)
  loads.length = 0
  await restoreTree(opened, tree, folder.path, { signal })
  const trees = new Set([...opened.index.blobs()].filter(({ type }) => type === 'tree').map(({ packId }) => packId))
  const ofData = loads.filter(({ path }) => !trees.has(path.split('/').at(-1) as Id))
  assert.equal(ofData.length, new Set(ofData.map(({ path }) => path)).size)
  for (const [path, bytes] of Object.entries(files)) assert.ok(bytes.equals(await readFile(join(folder.path, path))))
})

test('what nobody wants is read along over small gaps only', async () => {
  const { repository, backend } = await memoryRepository()
  await backUp(repository, Object.fromEntries(Array.from({ length: 1600 }, (_, n) => [`${n}`, seededBytes(n, 3000)])))
  const { backend: counted, loads } = counting(backend)
  const opened = await openedAgain(counted)
  const ofData = [...opened.index.blobs()].filter(({ type }) => type === 'data')
  const blobs = ofData.filter(({ packId }) => packId === ofData[0]?.packId)
  const [first, _second, third] = blobs.toSorted((left, right) => left.offset - right.offset)
  const last = blobs.find(({ offset }) => offset - first!.offset > 1_500_000)
  const requestsFor = async (...wanted: readonly (BlobLocation | undefined)[]) => {
    const ids = wanted.map((blob) => blob!.id)
    const windows = new BlobWindows(opened, ids)
    loads.length = 0
    for (const id of ids) assert.equal(sha256(await windows.load(id, { signal })), id)
    return loads.map(({ length }) => length)
  }
  assert.equal((await requestsFor(first, third)).length, 1)
  assert.deepEqual(await requestsFor(first, last), [first!.length, last!.length])
})

test('a damaged blob that lies in another pack as well is taken from there', async () => {
  await using folder = await temporaryFolder()
  const { repository, backend } = await memoryRepository()
  const { tree } = await backUp(repository, { a: Buffer.from('twice') })
  const beside = await openedAgain(backend)
  beside.index = new BlobIndex()
  await backUp(beside, { a: Buffer.from('twice'), b: Buffer.from('b') })
  const opened = await openedAgain(backend)
  const [first, second] = opened.index.findAll('data', sha256(utf8('twice')))
  assert.ok(first !== undefined && second !== undefined)
  const path = pathOf({ kind: 'pack', id: first.packId })
  const pack = Buffer.from(backend.files.get(path)!)
  pack[first.offset + 20]! ^= 1
  backend.files.set(path, pack)
  assert.deepEqual((await restoreTree(opened, tree, join(folder.path, 'damaged'), { signal })).damaged, [])
  backend.files.delete(path)
  assert.deepEqual((await restoreTree(opened, tree, join(folder.path, 'gone'), { signal })).damaged, [])
  assert.equal(await readFile(join(folder.path, 'gone', 'a'), 'utf8'), 'twice')
})
