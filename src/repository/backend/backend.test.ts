import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import { backendConformance } from '../testing/backend-conformance.ts'
import { createMemoryBackend } from '../testing/memory-backend.ts'
import { signal, temporaryFolder } from '../testing/restic.ts'
import { pathOf, type StoredName } from './backend.ts'
import { guardBackend } from './guarded.ts'
import { openLocalBackend } from './local.ts'

const WHOLE = { offset: 0, length: 1000 }
const bytes = Buffer.from('0123456789')
const id = sha256(bytes)

backendConformance('in memory', async () => ({ backend: createMemoryBackend(), [Symbol.asyncDispose]: async () => {} }))
backendConformance('behind a guard', async () => ({
  backend: guardBackend(createMemoryBackend(), () => {}),
  [Symbol.asyncDispose]: async () => {},
}))
backendConformance('in a folder', async () => {
  const folder = await temporaryFolder()
  return {
    backend: openLocalBackend(join(folder.path, 'new', 'repository')),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
})

async function localBackend() {
  const folder = await temporaryFolder()
  const backend = openLocalBackend(folder.path)
  await backend.prepare({ signal })
  const pathFor = (name: StoredName) => join(folder.path, pathOf(name))
  return { backend, folder: folder.path, pathFor, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}

test('files are for their owner alone, and read-only', async () => {
  await using local = await localBackend()
  await local.backend.save({ kind: 'pack', id }, [bytes], { signal })
  assert.equal((await stat(local.pathFor({ kind: 'pack', id }))).mode & 0o777, 0o400)
  assert.equal((await stat(join(local.folder, 'keys'))).mode & 0o777, 0o700)
  assert.equal((await readdir(join(local.folder, 'data'))).length, 256)
})

test('files that are none of the repository are not listed', async () => {
  await using local = await localBackend()
  await writeFile(join(local.folder, 'snapshots', '.DS_Store'), 'x')
  await writeFile(join(local.folder, 'snapshots', `${id}-tmp-123`), 'x')
  await writeFile(join(local.folder, 'snapshots', id.toUpperCase()), 'x')
  await mkdir(join(local.folder, 'snapshots', id))
  assert.deepEqual(await Array.fromAsync(local.backend.list('snapshot', { signal })), [])
})

test('a missing folder of packs is made, a missing repository is not', async () => {
  await using local = await localBackend()
  await rm(join(local.folder, 'data', id.slice(0, 2)), { recursive: true })
  await local.backend.save({ kind: 'pack', id }, [bytes], { signal })
  await rm(join(local.folder, 'data'), { recursive: true })
  await assert.rejects(local.backend.save({ kind: 'pack', id }, [bytes], { signal }), (error) =>
    isAppError(error, 'repo.storage-failed'),
  )
  assert.equal((await readdir(local.folder)).includes('data'), false)
})

test('folders that were not copied because they were empty are made again, where there is a config', async () => {
  await using local = await localBackend()
  await local.backend.save({ kind: 'config' }, [bytes], { signal })
  for (const kind of ['lock', 'snapshot', 'index', 'pack'] as const) {
    await rm(join(local.folder, pathOf({ kind, id }).split('/')[0]!), { recursive: true })
    await local.backend.save({ kind, id }, [bytes], { signal })
    assert.deepEqual(await local.backend.load({ kind, id }, WHOLE, { signal }), bytes)
  }
})

test('without a config no folder is made', async () => {
  await using local = await localBackend()
  await rm(join(local.folder, 'locks'), { recursive: true })
  await assert.rejects(local.backend.save({ kind: 'lock', id }, [bytes], { signal }), (error) =>
    isAppError(error, 'repo.storage-failed'),
  )
  assert.equal((await readdir(local.folder)).includes('locks'), false)
})

test('a pack in the folder of others is not listed, as nobody would find it there', async () => {
  await using local = await localBackend()
  const [wrong] = ['00', '01'].filter((digits) => !id.startsWith(digits))
  await writeFile(join(local.folder, 'data', wrong!, id), bytes)
  assert.deepEqual(await Array.fromAsync(local.backend.list('pack', { signal })), [])
})

test('packs that go into a missing folder at the same time are all there', async () => {
  await using local = await localBackend()
  const packs = Array.from({ length: 2000 }, (_, n) => Buffer.from(`pack ${n}`)).filter((pack) =>
    sha256(pack).startsWith('00'),
  )
  assert.ok(packs.length > 1)
  await rm(join(local.folder, 'data', '00'), { recursive: true })
  await Promise.all(packs.map((pack) => local.backend.save({ kind: 'pack', id: sha256(pack) }, [pack], { signal })))
  assert.equal((await Array.fromAsync(local.backend.list('pack', { signal }))).length, packs.length)
})

test('a file that cannot be put into its place leaves nothing behind', async () => {
  await using local = await localBackend()
  const aborting = new AbortController()
  const pieces: readonly Uint8Array[] = Object.assign([bytes, bytes], {
    [Symbol.iterator]: function* () {
      yield bytes
      aborting.abort(new Error('in the middle'))
      yield bytes
    },
  })
  await assert.rejects(local.backend.save({ kind: 'index', id }, pieces, { signal: aborting.signal }), /in the middle/)
  assert.deepEqual(await readdir(join(local.folder, 'index')), [])
})

test('only old leftovers of ours are removed', async () => {
  await using local = await localBackend()
  const names = [
    `data/${id.slice(0, 2)}/${id}-tmp-phonekeep-0123456789abcdef`,
    `data/${id.slice(0, 2)}/${id}-tmp-12345`,
  ]
  for (const name of names) {
    await writeFile(join(local.folder, name), 'half')
    await utimes(join(local.folder, name), 1000, 1000)
  }
  await writeFile(join(local.folder, `index/${id}-tmp-phonekeep-0123456789abcdef`), 'young')
  await local.backend.save({ kind: 'pack', id }, [bytes], { signal })
  await utimes(local.pathFor({ kind: 'pack', id }), 1000, 1000)
  assert.equal(await local.backend.removeLeftovers(2_000_000, { signal }), 1)
  assert.deepEqual((await readdir(join(local.folder, 'data', id.slice(0, 2)))).sort(), [id, `${id}-tmp-12345`].sort())
  assert.equal((await readdir(join(local.folder, 'index'))).length, 1)
})

test('what the system says becomes a code and a remedy', async () => {
  const { storageFailed } = await import('../errors.ts')
  const say = (code: string, doing: 'read' | 'write') =>
    storageFailed(Object.assign(new Error('x'), { code }), { doing, what: 'data/00' }).code
  assert.equal(say('ENOSPC', 'write'), 'repo.no-space')
  assert.equal(say('EDQUOT', 'write'), 'repo.no-space')
  assert.equal(say('EROFS', 'write'), 'repo.unwritable')
  assert.equal(say('EACCES', 'read'), 'repo.unreadable')
  assert.equal(say('EIO', 'read'), 'repo.storage-failed')
})

test('a folder in the place of a file is a clear error', async () => {
  await using local = await localBackend()
  const name: { kind: 'index'; id: Id } = { kind: 'index', id }
  await mkdir(local.pathFor(name))
  await chmod(local.pathFor(name), 0o700)
  await assert.rejects(local.backend.load(name, WHOLE, { signal }), (error) => isAppError(error, 'repo.storage-failed'))
})
