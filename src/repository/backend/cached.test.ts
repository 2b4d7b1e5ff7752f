import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import { backendConformance } from '../testing/backend-conformance.ts'
import { seededBytes } from '../testing/bytes.ts'
import { createTestClock } from '../testing/clock.ts'
import { createFaultyBackend } from '../testing/faulty-backend.ts'
import { createMemoryBackend } from '../testing/memory-backend.ts'
import { signal, temporaryFolder } from '../testing/restic.ts'
import { type Backend, pathOf, type StoredName } from './backend.ts'
import { CacheFolder } from './cache-folder.ts'
import { openCachedBackend } from './cached.ts'

const WHOLE = { offset: 0, length: 2 ** 20 }
const BYTES_MAX = 2 ** 20

async function openCache({ bytesMax = BYTES_MAX } = {}) {
  const folder = await temporaryFolder()
  const inner = createMemoryBackend()
  const clock = createTestClock()
  const loads: string[] = []
  const counted: Backend = {
    ...inner,
    load: (name, range, options) => {
      loads.push(pathOf(name))
      return inner.load(name, range, options)
    },
  }
  /** As another process, or the next run, opens it. */
  const open = () => openCachedBackend(counted, new CacheFolder(folder.path, { clock, bytesMax }))
  const pathFor = (name: StoredName) => join(folder.path, pathOf(name))
  return { folder: folder.path, inner, clock, loads, open, pathFor, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}

backendConformance('through a cache', async () => {
  const cache = await openCache()
  return { backend: cache.open(), [Symbol.asyncDispose]: cache[Symbol.asyncDispose] }
})

const bytes = seededBytes(1, 1000)
const id = sha256(bytes)
const KEPT: readonly StoredName[] = [
  { kind: 'index', id },
  { kind: 'snapshot', id },
  { kind: 'pack', id, holds: 'tree' },
]
const NOT_KEPT: readonly StoredName[] = [
  { kind: 'config' },
  { kind: 'key', id },
  { kind: 'lock', id },
  { kind: 'pack', id, holds: 'data' },
  { kind: 'pack', id },
]

for (const name of KEPT) {
  test(`${JSON.stringify(name.kind)} is fetched once, then any part of it comes from the folder`, async () => {
    await using cache = await openCache()
    await cache.inner.save(name, [bytes], { signal })
    for (const range of [{ offset: 10, length: 5 }, WHOLE, { offset: 990, length: 100 }]) {
      const loaded = await cache.open().load(name, range, { signal })
      assert.deepEqual(Buffer.from(loaded ?? []), bytes.subarray(range.offset, range.offset + range.length))
    }
    assert.equal(cache.loads.length, 1)
  })
}

test('what is saved is kept at once, and nobody else can read it', async () => {
  await using cache = await openCache()
  for (const name of KEPT) {
    await cache.open().save(name, [bytes], { signal })
    assert.deepEqual(Buffer.from((await cache.open().load(name, WHOLE, { signal })) ?? []), bytes)
    assert.equal((await stat(cache.pathFor(name))).mode & 0o777, 0o600)
  }
  assert.deepEqual(cache.loads, [])
})

test('files, keys and locks are not kept', async () => {
  await using cache = await openCache()
  for (const name of NOT_KEPT) {
    await cache.open().save(name, [bytes], { signal })
    await cache.open().load(name, WHOLE, { signal })
  }
  assert.equal(cache.loads.length, NOT_KEPT.length)
  assert.deepEqual(await readdir(cache.folder), [])
})

test('a copy that was changed, cut or emptied is not used, and is replaced', async () => {
  const harms = [(copy: Buffer) => copy.fill(1, 5, 6), (copy: Buffer) => copy.subarray(1), () => Buffer.alloc(0)]
  for (const harm of harms) {
    await using cache = await openCache()
    const name: StoredName = { kind: 'index', id }
    await cache.open().save(name, [bytes], { signal })
    await writeFile(cache.pathFor(name), harm(Buffer.from(bytes)))
    assert.deepEqual(Buffer.from((await cache.open().load(name, WHOLE, { signal })) ?? []), bytes)
    assert.deepEqual(await readFile(cache.pathFor(name)), bytes)
  }
})

test('a folder that disappears, or is a file, costs nothing but time', async () => {
  await using cache = await openCache()
  const name: StoredName = { kind: 'snapshot', id }
  const backend = cache.open()
  await backend.save(name, [bytes], { signal })
  await rm(cache.folder, { recursive: true })
  assert.deepEqual(Buffer.from((await backend.load(name, WHOLE, { signal })) ?? []), bytes)
  await rm(cache.folder, { recursive: true })
  await writeFile(cache.folder, 'in the way')
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(Buffer.from((await cache.open().load(name, WHOLE, { signal })) ?? []), bytes)
  }
})

test('once it cannot be written, only what is asked for is fetched', async () => {
  await using cache = await openCache()
  await writeFile(join(cache.folder, 'data'), 'in the way')
  const ranges: number[] = []
  const inner: Backend = {
    ...cache.inner,
    load: (name, range, options) => {
      ranges.push(range.length)
      return cache.inner.load(name, range, options)
    },
  }
  const backend = openCachedBackend(inner, new CacheFolder(cache.folder, { clock: cache.clock, bytesMax: BYTES_MAX }))
  const name: StoredName = { kind: 'pack', id, holds: 'tree' }
  await inner.save(name, [bytes], { signal })
  for (let time = 0; time < 3; time++) await backend.load(name, { offset: 1, length: 2 }, { signal })
  assert.deepEqual(ranges.slice(1), [2, 2])
})

test('what is damaged in the repository is given as it is, and never kept', async () => {
  await using cache = await openCache()
  const name: StoredName = { kind: 'index', id }
  cache.inner.files.set(pathOf(name), Buffer.from('damaged'))
  for (let time = 0; time < 2; time++) {
    assert.equal(Buffer.from((await cache.open().load(name, WHOLE, { signal })) ?? []).toString(), 'damaged')
  }
  assert.equal(cache.loads.length, 2)
})

test('what was removed is gone from the folder as well', async () => {
  await using cache = await openCache()
  const name: StoredName = { kind: 'index', id }
  await cache.open().save(name, [bytes], { signal })
  assert.equal(await cache.open().remove(name, { signal }), true)
  assert.equal(await cache.open().load(name, WHOLE, { signal }), undefined)
})

test('parts of one pack that are wanted at the same time are one fetch, and one that is aborted spoils none', async () => {
  await using cache = await openCache()
  const name: StoredName = { kind: 'pack', id, holds: 'tree' }
  await cache.inner.save(name, [bytes], { signal })
  const backend = cache.open()
  const aborting = new AbortController()
  const aborted = backend.load(name, { offset: 0, length: 1 }, { signal: aborting.signal })
  const others = [1, 2, 3].map((offset) => backend.load(name, { offset, length: 1 }, { signal }))
  aborting.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  const loaded = await Promise.all(others)
  assert.deepEqual(
    loaded.map((part) => part?.[0]),
    [...bytes.subarray(1, 4)],
  )
  assert.ok(cache.loads.length <= 2)
})

test('a failure of the repository is told, and is not remembered', async () => {
  await using cache = await openCache()
  const name: StoredName = { kind: 'index', id }
  await cache.inner.save(name, [bytes], { signal })
  const faulty = createFaultyBackend(cache.inner, { failAt: 1, kind: 'before' })
  const backend = openCachedBackend(faulty, new CacheFolder(cache.folder, { clock: cache.clock, bytesMax: BYTES_MAX }))
  await assert.rejects(backend.load(name, WHOLE, { signal }), (error) => isAppError(error, 'repo.storage-failed'))
  assert.equal((await backend.load(name, WHOLE, { signal }))?.length, bytes.length)
})

test('the folder stays below its limit, and what was used last stays longest', async () => {
  await using cache = await openCache({ bytesMax: 10_000 })
  const ids: Id[] = []
  for (let seed = 0; seed < 30; seed++) {
    await cache.clock.advance(60_000)
    const file = seededBytes(seed, 1000)
    ids.push(sha256(file))
    await cache.open().save({ kind: 'index', id: sha256(file) }, [file], { signal })
    await cache.open().load({ kind: 'index', id: ids[0]! }, WHOLE, { signal })
  }
  const kept = await readdir(join(cache.folder, 'index'))
  assert.ok(kept.length <= 10 && kept.length >= 8, `${kept.length} files`)
  assert.ok(kept.includes(ids[0]!) && kept.includes(ids.at(-1)!) && !kept.includes(ids[1]!))
})

test('what a killed process left half-written goes when it is old', async () => {
  await using cache = await openCache()
  await mkdir(join(cache.folder, 'index'))
  const leftover = join(cache.folder, 'index', `${id}-tmp-0123456789abcdef`)
  await writeFile(leftover, 'half')
  await cache.clock.advance(2 * 24 * 3600 * 1000 * 365)
  await cache.open().save({ kind: 'index', id }, [bytes], { signal })
  assert.deepEqual(await readdir(join(cache.folder, 'index')), [id])
})

test('two processes that fill it at the same time do not disturb each other', async () => {
  await using cache = await openCache({ bytesMax: 20_000 })
  const files = Array.from({ length: 40 }, (_, seed) => seededBytes(seed, 1000))
  const fill = async (backend: Backend) => {
    for (const file of files) {
      const name: StoredName = { kind: 'snapshot', id: sha256(file) }
      await backend.save(name, [file], { signal })
      assert.equal((await backend.load(name, WHOLE, { signal }))?.length, 1000)
    }
  }
  await Promise.all([fill(cache.open()), fill(cache.open())])
})
