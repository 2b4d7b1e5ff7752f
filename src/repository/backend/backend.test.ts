import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { type Id, sha256 } from '../id.ts'
import { createMemoryBackend } from '../testing/memory-backend.ts'
import { signal, temporaryFolder } from '../testing/restic.ts'
import { type Backend, type HashedKind, pathOf, type StoredName } from './backend.ts'
import { openLocalBackend } from './local.ts'

const KINDS: readonly HashedKind[] = ['key', 'lock', 'snapshot', 'index', 'pack']
const WHOLE = { offset: 0, length: 1000 }
const bytes = Buffer.from('0123456789')
const id = sha256(bytes)

/** What every backend has to do. `open` gives an empty one, and its end. */
function backendConformance(name: string, open: () => Promise<{ readonly backend: Backend } & AsyncDisposable>): void {
  const claim = (sentence: string, work: (backend: Backend) => Promise<void>) => {
    test(`${name}: ${sentence}`, async () => {
      await using opened = await open()
      await opened.backend.prepare({ signal })
      await work(opened.backend)
    })
  }
  const load = async (backend: Backend, file: StoredName, range = WHOLE) => {
    const loaded = await backend.load(file, range, { signal })
    return loaded && Buffer.from(loaded).toString()
  }
  const list = async (backend: Backend, kind: HashedKind) => await Array.fromAsync(backend.list(kind, { signal }))

  for (const kind of KINDS) {
    claim(`a ${kind} is stored, found, read and removed`, async (backend) => {
      assert.deepEqual(await list(backend, kind), [])
      await backend.save({ kind, id }, [bytes], { signal })
      assert.deepEqual(await list(backend, kind), [{ id, sizeBytes: 10 }])
      assert.equal(await load(backend, { kind, id }), '0123456789')
      for (const other of KINDS) if (other !== kind) assert.deepEqual(await list(backend, other), [])
      assert.equal(await backend.remove({ kind, id }, { signal }), true)
      assert.deepEqual(await list(backend, kind), [])
    })
  }
  claim('the config has no id', async (backend) => {
    assert.equal(await load(backend, { kind: 'config' }), undefined)
    await backend.save({ kind: 'config' }, [bytes], { signal })
    assert.equal(await load(backend, { kind: 'config' }), '0123456789')
  })
  claim('pieces are stored one after the other', async (backend) => {
    await backend.save({ kind: 'pack', id }, [bytes.subarray(0, 3), bytes.subarray(3, 3), bytes.subarray(3)], {
      signal,
    })
    assert.equal(await load(backend, { kind: 'pack', id }), '0123456789')
  })
  claim('a range is what it says, shorter at the end, empty beyond', async (backend) => {
    await backend.save({ kind: 'pack', id }, [bytes], { signal })
    assert.equal(await load(backend, { kind: 'pack', id }, { offset: 2, length: 3 }), '234')
    assert.equal(await load(backend, { kind: 'pack', id }, { offset: 8, length: 100 }), '89')
    assert.equal(await load(backend, { kind: 'pack', id }, { offset: 10, length: 1 }), '')
    assert.equal(await load(backend, { kind: 'pack', id }, { offset: 2 ** 40, length: 2 ** 40 }), '')
    assert.equal(await load(backend, { kind: 'pack', id }, { offset: 0, length: 0 }), '')
  })
  claim('an empty file is a file', async (backend) => {
    const empty = sha256(new Uint8Array(0))
    await backend.save({ kind: 'lock', id: empty }, [], { signal })
    assert.deepEqual(await list(backend, 'lock'), [{ id: empty, sizeBytes: 0 }])
  })
  claim('a missing file is an answer', async (backend) => {
    assert.equal(await load(backend, { kind: 'pack', id }), undefined)
    assert.equal(await backend.remove({ kind: 'pack', id }, { signal }), false)
  })
  claim('saving again changes nothing', async (backend) => {
    await backend.save({ kind: 'index', id }, [bytes], { signal })
    await backend.save({ kind: 'index', id }, [bytes], { signal })
    assert.equal(await load(backend, { kind: 'index', id }), '0123456789')
  })
  claim('another size under the same name is damage, and the first file stays', async (backend) => {
    await backend.save({ kind: 'index', id }, [bytes], { signal })
    const saving = backend.save({ kind: 'index', id }, [bytes, bytes], { signal })
    await assert.rejects(saving, (error) => isAppError(error, 'repo.damaged'))
    assert.equal(await load(backend, { kind: 'index', id }), '0123456789')
  })
  claim('preparing again keeps what is there', async (backend) => {
    await backend.save({ kind: 'key', id }, [bytes], { signal })
    await backend.prepare({ signal })
    assert.equal(await load(backend, { kind: 'key', id }), '0123456789')
  })
  claim('an aborted call rejects with the reason and does nothing', async (backend) => {
    const aborted = { signal: AbortSignal.abort(new Error('enough')) }
    await assert.rejects(backend.save({ kind: 'pack', id }, [bytes], aborted), /enough/)
    assert.equal(await load(backend, { kind: 'pack', id }), undefined)
    await backend.save({ kind: 'pack', id }, [bytes], { signal })
    await assert.rejects(backend.load({ kind: 'pack', id }, WHOLE, aborted), /enough/)
    await assert.rejects(backend.remove({ kind: 'pack', id }, aborted), /enough/)
    await assert.rejects(Array.fromAsync(backend.list('pack', aborted)), /enough/)
    assert.equal(await load(backend, { kind: 'pack', id }), '0123456789')
  })
  claim('many files at once are all there', async (backend) => {
    const files = Array.from({ length: 40 }, (_, n) => Buffer.from(`file ${n}`))
    await Promise.all(files.map((file) => backend.save({ kind: 'pack', id: sha256(file) }, [file], { signal })))
    const found = (await list(backend, 'pack')).map((info) => info.id).sort()
    assert.deepEqual(found, files.map(sha256).sort())
  })
  claim('there is a figure for the room that is left', async (backend) => {
    assert.ok((await backend.freeBytes({ signal })) > 0)
  })
}

backendConformance('in memory', async () => ({ backend: createMemoryBackend(), [Symbol.asyncDispose]: async () => {} }))
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
