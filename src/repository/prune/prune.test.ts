import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { seededRandom } from '../../base/random.ts'
import { pathOf } from '../backend/backend.ts'
import { checkRepository } from '../check/check.ts'
import { type Id, sha256 } from '../format/id.ts'
import { type LockMode, lockRepository } from '../lock.ts'
import type { Repository } from '../repository.ts'
import type { Snapshot } from '../snapshots/snapshot.ts'
import { seededBytes } from '../testing/bytes.ts'
import { createDyingBackend } from '../testing/dying-backend.ts'
import { createMemoryBackend, type MemoryBackend } from '../testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain, readFiles } from '../testing/repositories.ts'
import { clock, signal } from '../testing/restic.ts'
import { performPrune, preparePrune } from './prune.ts'
import { PRUNE_DEFAULTS, type PruneLimits, type PruneSummary, summarizePrune } from './prune-plan.ts'

const owner = { hostname: 'test', username: 'phonekeep-1', pid: process.pid }
const lock = (repository: Repository, mode: LockMode = 'exclusive') =>
  lockRepository(repository, { mode, owner, clock, signal })

/** Everything that is unused goes, unless a limit says otherwise. */
async function prune(repository: Repository, limits: Partial<PruneLimits> = {}): Promise<PruneSummary> {
  await using held = await lock(repository)
  const wanted = { ...PRUNE_DEFAULTS, maxUnused: { percent: 0 }, ...limits }
  const prepared = await preparePrune(repository, { limits: wanted, signal })
  await performPrune(prepared, { lock: held, signal })
  await repository.loadIndex({ signal })
  return summarizePrune(prepared.plan, prepared.uses.packs)
}

const forget = (repository: Repository, { id }: Snapshot) =>
  repository.backend.remove({ kind: 'snapshot', id }, { signal })
const pathsOf = (backend: MemoryBackend, folder: string) =>
  [...backend.files.keys()].filter((path) => path.startsWith(folder))

async function assertSound(repository: Repository): Promise<void> {
  const report = await checkRepository(repository, { readData: true, signal })
  assert.deepEqual(report.findings, [])
}

interface Prunable {
  readonly backend: MemoryBackend
  readonly repository: Repository
  readonly kept: readonly Snapshot[]
}

/** Three backups that share much; the one in the middle is forgotten, so that packs are unused, or used in part. */
async function prunable(): Promise<Prunable> {
  const { backend, repository } = await memoryRepository()
  const first = await backUp(repository, { 'u/a': seededBytes(1, 30_000), 'u/b': seededBytes(2, 20_000) })
  const files = { 'u/c': seededBytes(3, 3000), 'u/d': seededBytes(4, 90_000), 'u/e/f': seededBytes(5, 4000) }
  const second = await backUp(repository, files, first.tree)
  const third = await backUp(repository, { 'u/d': seededBytes(6, 1000), 'u/e/f': seededBytes(7, 1000) }, second.tree)
  await backUp(repository, { gone: seededBytes(8, 5000) }).then((fourth) => forget(repository, fourth))
  await forget(repository, second)
  return { backend, repository, kept: [first, third] }
}

const filesOf = (repository: Repository, snapshots: readonly Snapshot[]) =>
  Promise.all(snapshots.map(({ tree }) => readFiles(repository, tree)))

test('what no snapshot needs goes, what one needs stays, and nothing is left unused', async () => {
  const { backend, repository, kept } = await prunable()
  const before = await filesOf(repository, kept)
  const summary = await prune(repository)
  assert.ok(summary.freedBytes > 90_000 && summary.repackPacks > 0 && summary.removePacks > 0)
  assert.equal(summary.unusedBytesAfter, 0)
  const again = await openedAgain(backend)
  assert.deepEqual(await filesOf(again, kept), before)
  await assertSound(again)
  const { freedBytes, repackPacks, unusedBytesAfter } = await prune(again)
  assert.deepEqual([freedBytes, repackPacks, unusedBytesAfter], [0, 0, 0])
})

test('the figures of the plan are what happens to the packs', async () => {
  const { backend, repository } = await prunable()
  const sizeOfPacks = () => pathsOf(backend, 'data/').reduce((sum, path) => sum + backend.files.get(path)!.length, 0)
  const before = sizeOfPacks()
  const { freedBytes, remainingBytes } = await prune(repository)
  assert.ok(Math.abs(sizeOfPacks() - remainingBytes) < 200, 'but for the fixed bytes of each pack')
  assert.ok(Math.abs(before - freedBytes - remainingBytes) < 200)
})

test('a prune that dies at any call loses nothing, and the next one goes on without help', async () => {
  const { backend, kept } = await prunable()
  const before = await filesOf(await openedAgain(backend), kept)
  for (let dieAt = 3, died = true; died; dieAt++) {
    const files = createMemoryBackend(new Map(backend.files))
    const dying = createDyingBackend(files, { dieAt })
    await openedAgain(dying)
      .then((repository) => prune(repository))
      .catch(() => undefined)
    died = dying.isDead
    const after = await openedAgain(files)
    const { findings } = await checkRepository(after, { readData: false, signal })
    assert.ok(
      findings.every(({ severity }) => severity === 'hint'),
      `dead at call ${dieAt}`,
    )
    await prune(after)
    assert.equal((await checkRepository(after, { readData: false, signal })).findingCount, 0)
    assert.deepEqual(await filesOf(after, kept), before)
  }
})

test('nothing is pruned while anybody else works in the repository', async () => {
  const { backend, repository } = await prunable()
  const other = { ...owner, hostname: 'elsewhere' }
  await using _held = await lockRepository(repository, { mode: 'shared', owner: other, clock, signal })
  const before = [...backend.files.keys()]
  await assert.rejects(
    prune(repository),
    (error) => isAppError(error, 'repo.locked') && /elsewhere/.test(error.message),
  )
  assert.deepEqual([...backend.files.keys()], before)
})

/** Breaks a file and expects that the prune refuses to do anything. */
async function assertRefused({ backend, repository }: Prunable, path: string | undefined): Promise<void> {
  assert.ok(path !== undefined)
  const bytes = Buffer.from(backend.files.get(path)!)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  backend.files.set(path, bytes)
  await assertNothingHappens({ backend, repository })
}

async function assertNothingHappens({ backend, repository }: Pick<Prunable, 'backend' | 'repository'>): Promise<void> {
  const before = [...backend.files.keys()]
  await assert.rejects(prune(repository), (error) => isAppError(error, 'repo.damaged'))
  assert.deepEqual([...backend.files.keys()], before)
}

test('as long as a snapshot, an index or a tree cannot be read, nothing goes', async () => {
  for (const folder of ['snapshots/', 'index/']) {
    const broken = await prunable()
    await assertRefused(broken, pathsOf(broken.backend, folder)[0])
  }
  const broken = await prunable()
  const { packId } = broken.repository.index.find('tree', broken.kept[0]!.tree)!
  await assertRefused(broken, pathOf({ kind: 'pack', id: packId }))
})

const packOf = ({ repository }: Prunable, content: Uint8Array) =>
  pathOf({ kind: 'pack', id: repository.index.find('data', sha256(content))!.packId })

test('as long as a pack that is needed is missing or too short, nothing goes', async () => {
  const missing = await prunable()
  missing.backend.files.delete(packOf(missing, seededBytes(1, 30_000)))
  await assertNothingHappens(missing)
  const short = await prunable()
  const path = packOf(short, seededBytes(6, 1000))
  short.backend.files.set(path, short.backend.files.get(path)!.subarray(1))
  await assertNothingHappens(short)
})

test('a pack that is missing and that nobody needs is taken out of the index', async () => {
  const lost = await prunable()
  lost.backend.files.delete(packOf(lost, seededBytes(8, 5000)))
  await prune(lost.repository)
  await assertSound(lost.repository)
})

test('a damaged blob is found before the only copy of it could go', async () => {
  const hurt = await prunable()
  const path = packOf(hurt, seededBytes(3, 3000))
  const { offset } = hurt.repository.index.find('data', sha256(seededBytes(3, 3000)))!
  const bytes = Buffer.from(hurt.backend.files.get(path)!)
  bytes[offset + 100]! ^= 1
  hurt.backend.files.set(path, bytes)
  await assert.rejects(prune(hurt.repository), (error) => isAppError(error, 'repo.damaged'))
  assert.ok(hurt.backend.files.has(path))
})

/** The same backup made twice at the same time by writers that did not know of each other. */
async function doubled() {
  const { backend, repository } = await memoryRepository()
  const files = { 'u/a': seededBytes(1, 30_000), 'u/b': seededBytes(2, 20_000) }
  const other = await openedAgain(backend)
  const kept = [await backUp(repository, files), await backUp(other, { ...files, 'u/c': seededBytes(3, 10_000) })]
  await repository.loadIndex({ signal })
  return { backend, repository, kept }
}

test('of two copies of a blob one stays', async () => {
  const { backend, repository, kept } = await doubled()
  const before = await filesOf(repository, kept)
  const bytesBefore = backend.files.size
  assert.ok((await prune(repository)).freedBytes > 50_000)
  assert.ok(backend.files.size < bytesBefore)
  assert.deepEqual(await filesOf(repository, kept), before)
  await assertSound(repository)
})

test('of two copies of a blob the good one stays', async () => {
  const { backend, repository, kept } = await doubled()
  const before = await filesOf(repository, kept)
  const ids = [sha256(seededBytes(1, 30_000)), sha256(seededBytes(2, 20_000))]
  for (const [copy, id] of ids.entries()) {
    const { packId, offset } = repository.index.findAll('data', id)[copy]!
    const path = pathOf({ kind: 'pack', id: packId })
    const bytes = Buffer.from(backend.files.get(path)!)
    bytes[offset + 70]! ^= 1
    backend.files.set(path, bytes)
  }
  await prune(repository)
  assert.deepEqual(await filesOf(repository, kept), before)
})

test('packs that no index lists go, but for those that another program has marked for itself', async () => {
  const { backend, repository } = await prunable()
  const [orphan, marked] = [1, 2].map((seed) => ({ kind: 'pack' as const, id: sha256(seededBytes(seed, 10)) }))
  for (const pack of [orphan!, marked!]) await repository.backend.save(pack, [seededBytes(9, 50)], { signal })
  const text = JSON.stringify({ packs: [], packs_to_delete: [{ id: marked!.id, time: 'then', blobs: [] }] })
  await repository.saveUnpacked('index', text, { signal })
  await prune(repository)
  assert.equal(backend.files.has(pathOf(orphan!)), false)
  assert.equal(backend.files.has(pathOf(marked!)), true)
  assert.deepEqual([...(await openedAgain(backend)).packsToDelete], [marked!.id])
})

test('what other programs write into an index outlives a prune', async () => {
  const { backend, repository } = await prunable()
  for (const path of pathsOf(backend, 'index/')) {
    const id = path.split('/')[1] as Id
    const file = JSON.parse((await repository.loadUnpacked('index', id, { signal }))!)
    const packs = file.packs.map((pack: object) => ({ ...pack, time: '2026-01-01T00:00:00Z' }))
    backend.files.delete(path)
    await repository.saveUnpacked('index', JSON.stringify({ packs, note: path }), { signal })
  }
  await prune(repository)
  const texts = await Promise.all(
    pathsOf(backend, 'index/').map((path) => repository.loadUnpacked('index', path.split('/')[1] as Id, { signal })),
  )
  assert.ok(texts.some((text) => text?.includes('"note"')))
  assert.ok(texts.some((text) => text?.includes('"time":"2026-01-01T00:00:00Z"')))
  await assertSound(repository)
})

test('without any snapshot everything goes, but only if that is said', async () => {
  const { backend, repository, kept } = await prunable()
  for (const snapshot of kept) await forget(repository, snapshot)
  await assert.rejects(prune(repository), (error) => isAppError(error, 'repo.no-snapshots'))
  await using held = await lock(repository)
  const prepared = await preparePrune(repository, { limits: PRUNE_DEFAULTS, allowRemoveAll: true, signal })
  await performPrune(prepared, { lock: held, signal })
  assert.deepEqual([...pathsOf(backend, 'data/'), ...pathsOf(backend, 'index/')], [])
})

test('many small index files become one', async () => {
  const { backend, repository } = await memoryRepository()
  for (let seed = 0; seed < 5; seed++) await backUp(repository, { [`u/${seed}`]: seededBytes(seed, 100) })
  assert.equal(pathsOf(backend, 'index/').length, 5)
  await prune(repository)
  assert.equal(pathsOf(backend, 'index/').length, 1)
  await assertSound(repository)
})

test('a prune whose lock is taken away removes nothing', async () => {
  const { backend, repository } = await prunable()
  await using held = await lock(repository)
  const prepared = await preparePrune(repository, { limits: PRUNE_DEFAULTS, signal })
  for (const path of pathsOf(backend, 'locks/')) backend.files.delete(path)
  const packs = pathsOf(backend, 'data/')
  await assert.rejects(performPrune(prepared, { lock: held, signal }), (error) => isAppError(error, 'repo.lock-lost'))
  for (const path of packs) assert.ok(backend.files.has(path))
})

test('whatever was backed up and forgotten, a prune keeps every byte of the rest', async () => {
  const random = seededRandom(20261122)
  for (let turn = 0; turn < 6; turn++) {
    const { backend, repository } = await memoryRepository()
    const snapshots: Snapshot[] = []
    for (let run = 0; run < 6; run++) {
      const names = Array.from({ length: 1 + random.below(6) }, () => `u/${random.below(3)}/${random.below(8)}`)
      const files = Object.fromEntries(
        names.map((name) => [name, seededBytes(random.below(30), 500 + random.below(3000))]),
      )
      snapshots.push(await backUp(repository, files, random.below(2) === 0 ? snapshots.at(-1)?.tree : undefined))
    }
    const kept = snapshots.filter(() => random.below(2) === 0)
    for (const snapshot of snapshots) if (!kept.includes(snapshot)) await forget(repository, snapshot)
    const before = await filesOf(repository, kept)
    const limits = { maxUnused: { percent: random.below(40) }, repackSmall: random.below(2) === 0 }
    await prune(repository, limits)
    const again = await openedAgain(backend)
    assert.deepEqual(await filesOf(again, kept), before)
    await assertSound(again)
  }
})
