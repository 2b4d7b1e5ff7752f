import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { type Backend, pathOf } from '../backend/backend.ts'
import { checkRepository } from '../check/check.ts'
import { type Id, sha256 } from '../format/id.ts'
import { encodeIndexFile } from '../indexes/index-file.ts'
import { lockRepository } from '../lock.ts'
import { Repository } from '../repository.ts'
import { listSnapshots, type Snapshot } from '../snapshots/snapshot.ts'
import { seededBytes } from '../testing/bytes.ts'
import { OWNER, repairAll } from '../testing/damage.ts'
import { createDyingBackend } from '../testing/dying-backend.ts'
import { createFaultyBackend } from '../testing/faulty-backend.ts'
import { createMemoryBackend, type MemoryBackend } from '../testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain, readFiles } from '../testing/repositories.ts'
import { clock, newRepository, reopened, restic, signal, temporaryFolder } from '../testing/restic.ts'
import { isTreeWhole } from '../trees/tree-whole.ts'
import { openWriter } from '../write/writer.ts'
import { needsIndexRepair, performIndexRepair, planIndexRepair } from './repair-index.ts'
import { performPackRepair, planPackRepair } from './repair-packs.ts'
import { performSnapshotRepair, planSnapshotRepair } from './repair-snapshots.ts'

const FILES = {
  'u/big': seededBytes(1, 90_000),
  'u/ab/one': Buffer.from('one'),
  'u/ab/two': Buffer.from('two'),
  'u/cd/three': Buffer.from('three'),
}

interface Backup {
  readonly backend: MemoryBackend
  readonly repository: Repository
  readonly snapshot: Snapshot
}

async function smallBackup(): Promise<Backup> {
  const { backend, repository } = await memoryRepository()
  const snapshot = await backUp(repository, FILES)
  await backUp(repository, { other: Buffer.from('other') })
  return { backend, repository, snapshot }
}

/** The pack with the blob of this content. */
function packOf({ repository }: Pick<Backup, 'repository'>, content: string): Id {
  return repository.index.find('data', sha256(utf8(content)))!.packId
}

function edit(backend: MemoryBackend, path: string, change: (bytes: Buffer) => Uint8Array): void {
  backend.files.set(path, change(Buffer.from(backend.files.get(path)!)))
}

/** Breaks the blob of this content. */
function breakBlob({ backend, repository }: Pick<Backup, 'backend' | 'repository'>, content: string): Id {
  const { packId, offset } = repository.index.find('data', sha256(utf8(content)))!
  edit(backend, pathOf({ kind: 'pack', id: packId }), (bytes) => {
    bytes[offset + 20]! ^= 1
    return bytes
  })
  return packId
}

const pathsOf = (backend: MemoryBackend, folder: string) =>
  [...backend.files.keys()].filter((path) => path.startsWith(folder))

async function exclusively<Result>(
  repository: Repository,
  work: (options: {
    lock: Awaited<ReturnType<typeof lockRepository>>
    signal: AbortSignal
    clock: typeof clock
  }) => Promise<Result>,
): Promise<Result> {
  await using lock = await lockRepository(repository, { mode: 'exclusive', owner: OWNER, clock, signal })
  return await work({ lock, signal: lock.signal, clock })
}

async function repairIndex(repository: Repository) {
  const plan = await planIndexRepair(repository, { signal })
  await exclusively(repository, (options) => performIndexRepair(repository, plan, options))
  return plan
}

async function repairPacks(repository: Repository, packs?: readonly Id[]) {
  const plan = await planPackRepair(repository, { packs, signal })
  return await exclusively(repository, (options) => performPackRepair(repository, plan, options))
}

async function repairSnapshots(repository: Repository, forget = false) {
  const leftOut: string[] = []
  const plan = await planSnapshotRepair(repository, { signal, onLeftOut: ({ path }) => leftOut.push(path) })
  const report = await exclusively(repository, (options) =>
    performSnapshotRepair(repository, plan, { ...options, forget }),
  )
  return { plan, leftOut, ...report }
}

async function assertSound(backend: Backend): Promise<void> {
  const report = await checkRepository(await openedAgain(backend), { readData: true, signal })
  assert.deepEqual(report.findings, [])
}

test('planning changes nothing, and a repair of what is sound does nothing', async () => {
  const { backend, repository } = await smallBackup()
  const before = new Map(backend.files)
  const { packs, index, snapshots } = await repairAll(repository)
  assert.deepEqual([packs.damaged, packs.packsRead], [[], 4])
  assert.equal(needsIndexRepair(index), false)
  assert.deepEqual(snapshots, { repairs: [], unreadable: [], sound: 2 })
  assert.deepEqual(backend.files, before)
})

test('an index that is lost comes back from the packs', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  for (const path of pathsOf(backend, 'index/')) backend.files.delete(path)
  const plan = await repairIndex(repository)
  assert.deepEqual([plan.unlisted.length, plan.gone, plan.left], [4, [], []])
  await assertSound(backend)
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
})

test('an index file that cannot be read goes into quarantine, and the others stay as they are', async () => {
  const { backend, repository } = await smallBackup()
  const [broken, other] = pathsOf(backend, 'index/')
  edit(backend, broken!, (bytes) => bytes.fill(0, 5, 9))
  const damaged = backend.files.get(broken!)!
  const plan = await repairIndex(repository)
  assert.deepEqual(plan.unreadable, [broken!.split('/')[1]])
  assert.equal(backend.files.has(broken!), false)
  assert.deepEqual(backend.files.get(pathOf({ kind: 'quarantine', id: sha256(damaged) })), damaged)
  assert.ok(other !== undefined)
  await assertSound(backend)
})

test('packs that are gone are forgotten, so that the next backup stores what was in them', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  backend.files.delete(pathOf({ kind: 'pack', id: packOf({ repository }, 'one') }))
  const plan = await repairIndex(repository)
  assert.equal(plan.gone.length, 1)
  const after = await openedAgain(backend)
  assert.equal(await isTreeWhole(after, snapshot.tree, { signal }), false)
  await backUp(after, FILES)
  assert.equal(await isTreeWhole(after, snapshot.tree, { signal }), true)
  assert.deepEqual(await readFiles(after, snapshot.tree), FILES)
  await assertSound(backend)
})

test('of two listings of a pack the one that its header proves stays', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  const packId = packOf({ repository }, 'one')
  const wrong = repository.index.blobsOf(packId).map((blob) => ({ ...blob, id: sha256(utf8('wrong')) }))
  await repository.saveUnpacked('index', encodeIndexFile([{ id: packId, blobs: wrong }]), { signal })
  const { misjudged } = await repairIndex(repository)
  assert.deepEqual(
    misjudged.map(({ id }) => id),
    [packId],
  )
  await assertSound(backend)
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
})

test('what another program has marked for deletion is not listed again, and its mark is kept', async () => {
  const { backend, repository } = await smallBackup()
  const marked = packOf({ repository }, 'other')
  for (const path of pathsOf(backend, 'index/')) backend.files.delete(path)
  await repository.saveUnpacked('index', JSON.stringify({ packs: [], packs_to_delete: [{ id: marked }] }), { signal })
  const { unlisted } = await repairIndex(repository)
  assert.equal(unlisted.length, 3)
  const after = await openedAgain(backend)
  assert.equal(after.index.hasPack(marked), false)
  assert.deepEqual(after.packsToDelete, new Set([marked]))
})

test('what is readable in a damaged pack is kept, the pack is moved aside, and a backup heals the rest', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  const packId = breakBlob({ backend, repository }, 'two')
  const bytes = backend.files.get(pathOf({ kind: 'pack', id: packId }))!
  const { savedBlobs, moved } = await repairPacks(repository)
  assert.equal(savedBlobs, repository.index.blobsOf(packId).length - 1)
  assert.deepEqual(moved, [{ pack: packId, quarantine: sha256(bytes) }])
  assert.deepEqual(backend.files.get(`quarantine/${sha256(bytes)}`), bytes)
  assert.equal(backend.files.has(pathOf({ kind: 'pack', id: packId })), false)
  const { findings, hurt } = await checkRepository(await openedAgain(backend), { readData: true, signal })
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['blob-missing'],
  )
  assert.deepEqual(
    hurt.flatMap(({ paths }) => paths.map(({ path }) => path)),
    ['/u/ab/two'],
  )
  await backUp(await openedAgain(backend), FILES)
  await assertSound(backend)
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
})

test('a pack that was cut off gives what is before the cut', async () => {
  const { backend, repository } = await smallBackup()
  const { packId, offset } = repository.index.find('data', sha256(utf8('two')))!
  const path = pathOf({ kind: 'pack', id: packId })
  edit(backend, path, (bytes) => bytes.subarray(0, offset + 10))
  const { left, misjudged } = await repairIndex(repository)
  assert.deepEqual([left, misjudged], [[packId], []])
  const before = repository.index.blobsOf(packId).filter((blob) => blob.offset < offset)
  const { savedBlobs } = await repairPacks(repository, [packId])
  assert.ok(savedBlobs > 0 && savedBlobs === before.length)
})

test('a damaged pack whose blobs lie elsewhere as well costs nothing', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  for (const path of pathsOf(backend, 'index/')) backend.files.delete(path)
  await backUp(await openedAgain(backend), FILES)
  await repairIndex(repository)
  breakBlob({ backend, repository }, 'two')
  assert.equal((await repairPacks(repository)).savedBlobs, 0)
  await assertSound(backend)
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
})

test('damaged packs can be put elsewhere, where the repository has no room for them', async () => {
  const { backend, repository } = await smallBackup()
  breakBlob({ backend, repository }, 'two')
  const place = createMemoryBackend()
  await repairAll(repository, { place })
  assert.deepEqual(pathsOf(backend, 'quarantine/'), [])
  assert.equal(pathsOf(place, 'quarantine/').length, 1)
})

test('a disk that fails is no damage: nothing is repaired', async () => {
  const { backend, repository } = await smallBackup()
  breakBlob({ backend, repository }, 'two')
  const before = new Map(backend.files)
  for (let failAt = 1; failAt < 10; failAt++) {
    const faulty = openOn(createFaultyBackend(backend, { failAt, kind: 'before' }), repository)
    for (const plan of [planIndexRepair, planPackRepair, planSnapshotRepair]) {
      await plan(faulty, { signal }).catch((error: unknown) => assert.ok(isAppError(error, 'repo.storage-failed')))
    }
  }
  assert.deepEqual(backend.files, before)
})

test('a repaired snapshot says so, has everything that is left, and is made once', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  breakBlob({ backend, repository }, 'two')
  await repairPacks(repository)
  const { made, leftOut, removed, plan } = await repairSnapshots(repository)
  assert.deepEqual(leftOut, ['/u/ab/two'])
  assert.deepEqual([made.length, removed, plan.sound], [1, [], 1])
  assert.deepEqual([made[0]?.tags, made[0]?.original, made[0]?.time], [['repaired'], snapshot.id, snapshot.time])
  const after = await openedAgain(backend)
  const { 'u/ab/two': _lost, ...rest } = FILES
  assert.deepEqual(await readFiles(after, made[0]!.tree), rest)
  const again = await repairSnapshots(repository)
  assert.deepEqual([again.made, again.plan.repairs[0]?.repairedAs], [[], made[0]?.id])
  const forgetting = await repairSnapshots(repository, true)
  assert.deepEqual([forgetting.made, forgetting.removed], [[], [snapshot.id]])
  assert.ok((await listSnapshots(after, { signal })).some(({ id }) => id === made[0]?.id))
  await assertSound(backend)
})

test('a snapshot that nothing is left of stays until it is to be forgotten, and then goes into quarantine', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  for (const { packId, type } of [...repository.index.blobs()]) {
    if (type === 'tree') backend.files.delete(pathOf({ kind: 'pack', id: packId }))
  }
  const kept = await repairSnapshots(repository)
  assert.deepEqual([kept.made, kept.removed], [[], []])
  const bytes = backend.files.get(`snapshots/${snapshot.id}`)!
  const { removed } = await repairSnapshots(repository, true)
  assert.ok(removed.includes(snapshot.id))
  assert.deepEqual(backend.files.get(`quarantine/${sha256(bytes)}`), bytes)
})

test('a repair that is killed before any of its calls can be begun again, and loses nothing that was left', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  breakBlob({ backend, repository }, 'two')
  backend.files.delete(pathOf({ kind: 'pack', id: packOf({ repository }, 'other') }))
  edit(backend, pathsOf(backend, 'index/')[1]!, (bytes) => bytes.fill(0, 5, 9))
  const { 'u/ab/two': _lost, ...rest } = FILES
  let isDone = false
  for (let dieAt = 1; !isDone; dieAt++) {
    const disk = createMemoryBackend(new Map(backend.files))
    const dying = createDyingBackend(disk, { dieAt })
    isDone = await repairAll(openOn(dying, repository)).then(
      () => true,
      () => false,
    )
    assert.equal(dying.isDead, !isDone)
    for (const path of pathsOf(disk, 'locks/')) disk.files.delete(path)
    await repairAll(openOn(disk, repository))
    const mended = openOn(disk, repository)
    await mended.loadIndex({ signal })
    const snapshots = await listSnapshots(mended, { signal })
    assert.deepEqual(
      snapshots.map(({ original }) => original),
      [snapshot.id],
      `call ${dieAt}`,
    )
    assert.deepEqual(await readFiles(mended, snapshots[0]!.tree), rest, `call ${dieAt}`)
    assert.deepEqual((await checkRepository(mended, { readData: true, signal })).findings, [], `call ${dieAt}`)
  }
})

/** As somebody has it who opened it before the damage. */
function openOn(backend: Backend, { sealer, config }: Repository): Repository {
  return new Repository(backend, sealer, config)
}

test('restic rebuilds the same index, and sees the same damage', async () => {
  await using ours = await temporaryFolder()
  const repository = await newRepository(ours.path)
  await backUp(repository, FILES)
  const packId = packOf({ repository }, 'one')
  await repository.backend.remove({ kind: 'pack', id: packId }, { signal })
  const report = await checkRepository(repository, { readData: false, signal })
  const said = await restic(ours.path, ['check']).then(
    () => assert.fail('restic saw nothing'),
    (error: { stderr: string }) => error.stderr,
  )
  for (const { subject } of report.findings) assert.match(said, new RegExp(subject.slice(-64)))
  await repairIndex(repository)
  const before = listing(await reopened(ours.path))
  await restic(ours.path, ['rebuild-index', '--read-all-packs'])
  assert.deepEqual(listing(await reopened(ours.path)), before)
})

function listing({ index }: Repository): readonly string[] {
  return Array.from(index.blobs(), (blob) => JSON.stringify(blob)).toSorted()
}

test('a backup that comes across a blob that nobody can read stores it anew', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  breakBlob({ backend, repository }, 'two')
  await assert.rejects(readFiles(repository, snapshot.tree), (error) => isAppError(error, 'repo.damaged'))
  await backUp(repository, FILES)
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
})

test('a backup does not rely on packs that are gone', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  backend.files.delete(pathOf({ kind: 'pack', id: packOf({ repository }, 'two') }))
  const after = await openedAgain(backend)
  await using writer = openWriter(after, { clock, signal })
  await writer.adoptOrphanPacks({ signal })
  assert.equal(await isTreeWhole(after, snapshot.tree, { signal }), false)
  for (const bytes of Object.values(FILES)) await writer.saveBlob('data', Buffer.from(bytes))
  await writer.flush({ signal })
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
})

test('a damaged index file does not stop who asks to be told: what it listed is verified and listed again', async () => {
  const { backend, repository, snapshot } = await smallBackup()
  edit(backend, pathsOf(backend, 'index/')[0]!, (bytes) => bytes.fill(0, 5, 9))
  const after = openOn(backend, repository)
  await assert.rejects(after.loadIndex({ signal }), (error) => isAppError(error, 'repo.damaged'))
  const told: string[] = []
  await after.loadIndex({ signal, onDamaged: ({ message }) => told.push(message) })
  assert.equal(told.length, 1)
  await using writer = openWriter(after, { clock, signal })
  assert.equal((await writer.adoptOrphanPacks({ signal })).packs, 2)
  await writer.flush({ signal })
  assert.deepEqual(await readFiles(after, snapshot.tree), FILES)
})
