import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import type { Backend } from '../backend/backend.ts'
import { checkRepository } from '../check/check.ts'
import { sha256 } from '../format/id.ts'
import { openRepository, type Repository } from '../repository.ts'
import { listSnapshots } from '../snapshots/snapshot.ts'
import { seededBytes } from '../testing/bytes.ts'
import { createTestClock } from '../testing/clock.ts'
import { createFaultyBackend, type FaultKind } from '../testing/faulty-backend.ts'
import { createMemoryBackend } from '../testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain, putBytes, readFiles } from '../testing/repositories.ts'
import { clock, PASSWORD, signal } from '../testing/restic.ts'
import { openTree } from '../trees/cow-tree.ts'
import { openWriter, type RepositoryWriter } from './writer.ts'

const options = { signal }
/** Every blob is in its pack as soon as it was given. */
const inline = { threads: 0 }

async function store(writer: RepositoryWriter, bytes: Uint8Array) {
  const file = writer.openFile()
  await file.write(bytes)
  return await file.finish()
}

async function countOf(repository: Repository, kind: 'pack' | 'index'): Promise<number> {
  return (await Array.fromAsync(repository.backend.list(kind, options))).length
}

test('what was flushed is read back by a repository that is opened anew', async () => {
  const { repository, backend } = await memoryRepository()
  const bytes = seededBytes(1, 3_000_000)
  await using writer = openWriter(repository, { clock, signal })
  const { content, sizeBytes } = await store(writer, bytes)
  await writer.flush(options)
  assert.equal(sizeBytes, bytes.length)
  const again = await openedAgain(backend)
  const blobs = await Promise.all(content.map((id) => again.loadBlob('data', id, options)))
  assert.ok(Buffer.concat(blobs).equals(bytes))
})

test('nothing is stored twice: not in one run, not in the next, not while it is on its way', async () => {
  const { repository, backend } = await memoryRepository()
  const bytes = seededBytes(2, 2_000_000)
  {
    await using writer = openWriter(repository, { clock, signal })
    await Promise.all([store(writer, bytes), store(writer, bytes)])
    await store(writer, bytes)
    await writer.flush(options)
    const { dataBlobs, addedBytes } = writer.stats
    assert.equal(addedBytes, bytes.length)
    await store(writer, bytes)
    await writer.flush(options)
    assert.equal(writer.stats.dataBlobs, dataBlobs)
  }
  await using writer = openWriter(await openedAgain(backend), { clock, signal })
  await store(writer, bytes)
  assert.deepEqual(writer.stats, { dataBlobs: 0, treeBlobs: 0, addedBytes: 0, storedBytes: 0 })
})

test('a blob can be read at every moment from when it was given', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  for (const size of [10, 100_000, 3_000_000]) {
    const bytes = seededBytes(size, size)
    const id = await writer.saveBlob('data', Uint8Array.from(bytes))
    assert.ok(bytes.equals(await writer.loadBlob('data', id, options)))
    await writer.flush(options)
    assert.ok(bytes.equals(await writer.loadBlob('data', id, options)))
  }
})

test('the same bytes as data and as a tree are two blobs', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  const data = await writer.saveBlob('data', Buffer.from('{"nodes":[]}\n'))
  assert.equal(await writer.saveBlob('tree', Buffer.from('{"nodes":[]}\n')), data)
  await writer.flush(options)
  assert.equal(writer.stats.dataBlobs + writer.stats.treeBlobs, 2)
  assert.equal(await countOf(repository, 'pack'), 2)
})

test('an empty file has no blobs', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  assert.deepEqual(await writer.openFile().finish(), { content: [], sizeBytes: 0 })
  await writer.flush(options)
  assert.equal(await countOf(repository, 'index'), 0)
})

test('an abandoned file leaves the others as they are', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  const abandoned = writer.openFile()
  await abandoned.write(seededBytes(3, 700_000))
  const kept = writer.openFile()
  await kept.write(Buffer.from('kept'))
  abandoned.abandon()
  const { content } = await kept.finish()
  assert.deepEqual(content, [sha256(Buffer.from('kept'))])
})

test('bytes that the caller changes after a write are not what is stored', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  const file = writer.openFile()
  const bytes = Buffer.from('before')
  await file.write(bytes)
  bytes.write('after!')
  assert.deepEqual((await file.finish()).content, [sha256(Buffer.from('before'))])
})

test('packs are closed at their size; each holds one type of blob', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  await store(writer, seededBytes(4, 40_000_000))
  await writer.flush(options)
  const sizes = (await Array.fromAsync(repository.backend.list('pack', options))).map((pack) => pack.sizeBytes)
  assert.ok(sizes.length >= 2 && sizes.length <= 3)
  assert.ok(Math.max(...sizes) < 25 * 1024 * 1024)
})

test('a tree far larger than a pack is a pack of its own', async () => {
  const { repository, backend } = await memoryRepository()
  const bytes = seededBytes(5, 12_000_000)
  await using writer = openWriter(repository, { clock, signal })
  const id = await writer.saveBlob('tree', Uint8Array.from(bytes))
  await writer.flush(options)
  assert.ok(bytes.equals(await (await openedAgain(backend)).loadBlob('tree', id, options)))
})

test('an index is written by itself when many blobs wait for one', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal, verify: false })
  for (let n = 0; n < 20_500; n++) await writer.saveBlob('data', Buffer.from(`blob ${n}`))
  assert.equal(await countOf(repository, 'index'), 1)
  assert.equal(await countOf(repository, 'pack'), 1)
})

test('an index is written by itself when the last one is five minutes old', async () => {
  const { repository } = await memoryRepository()
  const slow = createTestClock()
  await using writer = openWriter(repository, { clock: slow, signal, limits: inline })
  await slow.advance(5 * 60_000)
  await store(writer, seededBytes(6, 26_000_000))
  await writer.loadBlob('data', await writer.saveBlob('data', Buffer.from('x')), options)
  await writer.flush(options)
  assert.equal(await countOf(repository, 'index'), 2)
})

/** A backend that saves no pack until it is let go; `saving` resolves when so many wait for it. */
function slowBackend(inner: Backend) {
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  const save: Backend['save'] = async (name, pieces, { signal }) => {
    waiting++
    if (name.kind === 'pack') await gate.promise
    await inner.save(name, pieces, { signal })
  }
  const saving = async (packs: number) => {
    while (waiting < packs) await turn()
    for (let n = 0; n < 5_000; n++) await turn()
  }
  return { backend: { ...inner, save }, saving, letGo: gate.resolve }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

for (const [threads, bytesMax] of [
  [0, 50_000_000],
  [2, 110_000_000],
] as const) {
  test(`a disk that does not keep up stops the one who writes, with ${threads} threads`, async () => {
    const { backend } = await memoryRepository()
    const slow = slowBackend(backend)
    const repository = await openRepository(slow.backend, { password: PASSWORD, signal })
    await using writer = openWriter(repository, { clock, signal, verify: false, limits: { threads } })
    const file = writer.openFile()
    const piece = Buffer.from(seededBytes(1, 1_000_000))
    let takenBytes = 0
    const writing = (async () => {
      for (let n = 0; n < 150; n++) {
        piece.writeUInt32LE(n)
        await file.write(piece)
        takenBytes += piece.length
      }
    })()
    await slow.saving(2)
    assert.ok(takenBytes >= 32_000_000 && takenBytes < bytesMax, `${takenBytes} bytes were taken`)
    slow.letGo()
    await writing
    assert.equal((await file.finish()).sizeBytes, 150_000_000)
  })
}

test('a disk that does not keep up stops huge trees as well', async () => {
  const { backend } = await memoryRepository()
  const slow = slowBackend(backend)
  const repository = await openRepository(slow.backend, { password: PASSWORD, signal })
  await using writer = openWriter(repository, { clock, signal, verify: false, limits: inline })
  let taken = 0
  const writing = (async () => {
    for (let n = 0; n < 6; n++) {
      await writer.saveBlob('tree', Uint8Array.from(seededBytes(n, 9_000_000)))
      taken++
    }
  })()
  await slow.saving(2)
  const takenMeanwhile = taken
  slow.letGo()
  await writing
  await writer.flush(options)
  assert.equal(takenMeanwhile, 2)
  assert.equal(await countOf(repository, 'pack'), 6)
})

test('after a failure every call rejects with it', async () => {
  const { backend } = await memoryRepository()
  const faulty = createFaultyBackend(backend, { failAt: 4, kind: 'before' })
  const repository = await openRepository(faulty, { password: PASSWORD, signal })
  await using writer = openWriter(repository, { clock, signal })
  await store(writer, Buffer.from('lost'))
  const failed = (error: unknown) => isAppError(error, 'repo.storage-failed')
  await assert.rejects(writer.flush(options), failed)
  assert.ok(faulty.fired)
  await assert.rejects(store(writer, Buffer.from('more')), failed)
  await assert.rejects(writer.flush(options), failed)
  await assert.rejects(writer.loadBlob('data', sha256(Buffer.from('lost')), options), failed)
})

test('after an index that could not be written every call rejects as well', async () => {
  const { backend } = await memoryRepository()
  const disk = { broken: true }
  const save: Backend['save'] = async (name, pieces, { signal }) => {
    if (name.kind === 'index' && disk.broken) throw new Error('no index')
    await backend.save(name, pieces, { signal })
  }
  const repository = await openRepository({ ...backend, save }, { password: PASSWORD, signal })
  await using writer = openWriter(repository, { clock, signal })
  await store(writer, Buffer.from('lost'))
  await assert.rejects(writer.flush(options), /no index/)
  disk.broken = false
  await assert.rejects(store(writer, Buffer.from('more')), /no index/)
  await assert.rejects(writer.flush(options), /no index/)
})

test('packs that no index lists when a writer is closed are nothing that the next writer builds on', async () => {
  const { repository, backend } = await memoryRepository()
  const bytes = seededBytes(12, 20_000_000)
  {
    await using writer = openWriter(repository, { clock, signal, verify: false, limits: inline })
    await store(writer, bytes)
    while ((await countOf(repository, 'pack')) === 0) await turn()
  }
  await using writer = openWriter(repository, { clock, signal, verify: false })
  const { content } = await store(writer, bytes)
  await writer.flush(options)
  const again = await openedAgain(backend)
  const blobs = await Promise.all(content.map((id) => again.loadBlob('data', id, options)))
  assert.ok(Buffer.concat(blobs).equals(bytes))
})

test('an aborted writer takes nothing more, and can be closed', async () => {
  const { repository } = await memoryRepository()
  const abort = new AbortController()
  await using writer = openWriter(repository, { clock, signal: abort.signal })
  await store(writer, seededBytes(7, 2_000_000))
  abort.abort(new Error('enough'))
  await assert.rejects(store(writer, Buffer.from('x')), /enough/)
  await assert.rejects(writer.flush(options), /enough/)
})

/** Leaves packs without an index, as a killed run does. */
async function killedRun(backend: Backend & { files: Map<string, Uint8Array> }, bytes: Uint8Array): Promise<void> {
  const kept = new Set(backend.files.keys())
  await using writer = openWriter(await openedAgain(backend), { clock, signal })
  await store(writer, bytes)
  await writer.flush(options)
  for (const path of backend.files.keys()) if (path.startsWith('index/') && !kept.has(path)) backend.files.delete(path)
}

test('packs of a killed run are adopted, so nothing of it is stored again', async () => {
  const { backend } = await memoryRepository()
  const bytes = seededBytes(8, 3_000_000)
  await killedRun(backend, bytes)
  {
    await using writer = openWriter(await openedAgain(backend), { clock, signal })
    const adopted = await writer.adoptOrphanPacks(options)
    assert.equal(adopted.packs, 1)
    assert.ok(adopted.blobs > 0)
    assert.deepEqual(adopted.refused, [])
    await store(writer, bytes)
    await writer.flush(options)
    assert.equal(writer.stats.dataBlobs, 0)
  }
  const report = await checkRepository(await openedAgain(backend), { readData: true, signal })
  assert.deepEqual(report.findings, [])
})

test('packs that another program has marked for deletion are not adopted', async () => {
  const { backend, repository } = await memoryRepository()
  await killedRun(backend, seededBytes(8, 3_000_000))
  const [pack] = await Array.fromAsync(repository.backend.list('pack', options))
  const marks = { packs: [], packs_to_delete: [{ id: pack!.id, time: '2026-01-02T03:04:05Z', blobs: [] }] }
  await repository.saveUnpacked('index', JSON.stringify(marks), options)
  const again = await openedAgain(backend)
  await using writer = openWriter(again, { clock, signal })
  assert.deepEqual(await writer.adoptOrphanPacks(options), { packs: 0, blobs: 0, refused: [] })
  const { findings } = await checkRepository(again, { readData: false, signal })
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [['pack-orphan', 'hint']],
  )
  assert.match(findings[0]!.sentence, /marked this pack for deletion/)
})

test('a pack that does not verify is left alone and reported', async () => {
  const { backend } = await memoryRepository()
  await killedRun(backend, seededBytes(9, 1_000_000))
  const path = [...backend.files.keys()].find((each) => each.startsWith('data/'))!
  const pack = Buffer.from(backend.files.get(path)!)
  const broken: Record<string, Buffer> = {
    flipped: Buffer.from(pack),
    short: pack.subarray(0, pack.length - 1),
    'without an end': Buffer.alloc(2),
    'with a header of 4 GiB': Buffer.concat([pack.subarray(0, -4), Buffer.from('ffffffff', 'hex')]),
    empty: Buffer.alloc(0),
  }
  broken.flipped![100]! ^= 1
  for (const [what, bytes] of Object.entries(broken)) {
    backend.files.set(path, bytes)
    await using writer = openWriter(await openedAgain(backend), { clock, signal })
    const adopted = await writer.adoptOrphanPacks(options)
    assert.deepEqual([adopted.packs, adopted.refused.length], [0, 1], what)
    await writer.flush(options)
    assert.ok(bytes.equals(backend.files.get(path)!))
  }
})

for (const kind of ['before', 'after'] as const satisfies readonly FaultKind[]) {
  test(`whichever call fails (${kind} it took effect), old snapshots stay intact and the next run succeeds`, async () => {
    const { backend: first, repository } = await memoryRepository()
    const old = { 'u/kept': seededBytes(10, 60_000), 'u/changed': Buffer.from('old') }
    const { tree: oldTree } = await backUp(repository, old)
    const files = { 'u/changed': Buffer.from('new'), 'u/ab/new': seededBytes(11, 90_000) }
    let failures = 0
    for (let failAt = 1; ; failAt++) {
      const backend = createMemoryBackend(new Map(first.files))
      const faulty = createFaultyBackend(backend, { failAt, kind })
      const outcome = await backUpThrough(faulty, files).catch((error: unknown) => error)
      await assertSound(backend, oldTree, old)
      const again = await backUpThrough(backend, files)
      assert.deepEqual(await readFiles(await openedAgain(backend), again.tree), { ...old, ...files })
      if (!faulty.fired) break
      if (outcome instanceof Error) failures++
    }
    assert.ok(failures >= 8)
  })
}

async function backUpThrough(backend: Backend, files: Readonly<Record<string, Uint8Array>>) {
  const repository = await openRepository(backend, { password: PASSWORD, signal })
  await repository.loadIndex(options)
  const parent = (await listSnapshots(repository, options)).at(-1)
  return await backUp(repository, files, parent?.tree)
}

/** No damage anywhere, every snapshot restorable, and the old one as it was. */
async function assertSound(backend: Backend, oldTree: Parameters<typeof readFiles>[1], old: object): Promise<void> {
  const repository = await openedAgain(backend)
  const report = await checkRepository(repository, { readData: true, signal })
  assert.deepEqual(
    report.findings.filter((finding) => finding.severity === 'damage'),
    [],
  )
  assert.deepEqual(await readFiles(repository, oldTree), old)
  for (const { tree } of await listSnapshots(repository, options)) await readFiles(repository, tree)
}

test('trees and files of one run can be read while it goes on', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, undefined)
  await putBytes(writer, tree, ['Status.plist'], Buffer.from('status'))
  await tree.commit(options)
  const bytes = await Array.fromAsync(tree.readFile(['Status.plist'], options))
  assert.equal(Buffer.concat(bytes).toString(), 'status')
})
