import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { checkRepository } from './check/check.ts'
import { copySnapshots, planCopy } from './copy.ts'
import { lockRepository } from './lock.ts'
import type { Repository } from './repository.ts'
import { listSnapshots, type Snapshot } from './snapshots/snapshot.ts'
import { seededBytes } from './testing/bytes.ts'
import { createDyingBackend } from './testing/dying-backend.ts'
import { createMemoryBackend } from './testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain, readFiles } from './testing/repositories.ts'
import { clock, newRepository, PASSWORD, reopened, restic, signal, temporaryFolder } from './testing/restic.ts'

const owner = { hostname: 'test', username: 'phonekeep-1', pid: process.pid }

/** Copies what is missing, and resolves with how many snapshots that were. */
async function copy(source: Repository, target: Repository): Promise<number> {
  await using lock = await lockRepository(target, { mode: 'shared', owner, clock, signal })
  await source.loadIndex({ signal })
  await target.loadIndex({ signal })
  const plan = planCopy(await listSnapshots(source, { signal }), await listSnapshots(target, { signal }))
  return (await copySnapshots({ source, target }, plan.copy, { lock, clock, signal })).length
}

/** Three backups, each over the one before. */
async function fill(repository: Repository): Promise<readonly Snapshot[]> {
  const first = await backUp(repository, { 'u/a': seededBytes(1, 7000), 'u/b': seededBytes(2, 2000) })
  const second = await backUp(repository, { 'u/c/d': seededBytes(3, 3000) }, first.tree)
  return [first, second, await backUp(repository, { 'u/b': seededBytes(4, 100) }, second.tree)]
}

/** The digest of every file, snapshot by snapshot; in an order of its own, because snapshots of the same instant have none. */
const contentsOf = async (repository: Repository): Promise<readonly string[]> => {
  const snapshots = await listSnapshots(repository, { signal })
  const contents = await Promise.all(snapshots.map(({ tree }) => readFiles(repository, tree)))
  return contents.map(describeFiles).sort()
}

const describeFiles = (files: Readonly<Record<string, Buffer>>): string =>
  Object.entries(files)
    .map(([path, content]) => `${path} ${hash('sha256', content)}`)
    .join('\n')

test('a copy holds every byte, remembers where it comes from, and is not made twice', async () => {
  const { repository: source } = await memoryRepository()
  const originals = await fill(source)
  const { repository: target } = await memoryRepository()
  assert.equal(await copy(source, target), 3)
  assert.deepEqual(await contentsOf(target), await contentsOf(source))
  const copies = await listSnapshots(target, { signal })
  assert.deepEqual(copies.map(({ original }) => original).sort(), originals.map(({ id }) => id).sort())
  assert.equal((await checkRepository(target, { readData: { kind: 'all' }, signal })).findingCount, 0)
  assert.equal(await copy(source, target), 0)
})

test('a copy of a copy is known wherever it meets its origin', async () => {
  const [{ repository: first }, { repository: second }, { repository: third }] = [
    await memoryRepository(),
    await memoryRepository(),
    await memoryRepository(),
  ]
  await fill(first)
  await copy(first, second)
  await copy(second, third)
  assert.equal(await copy(third, first), 0)
  assert.equal(await copy(first, third), 0)
})

test('a snapshot of the same origin that says something else is copied', () => {
  const snapshot = { time: '2026-01-02T03:04:05Z', paths: ['/a', '/b'], hostname: 'iphone', tags: ['x', 'y'] }
  const [one, other] = ['1', '2'].map((digit) => digit.repeat(64)) as [Snapshot['id'], Snapshot['id']]
  const original: Snapshot = { ...snapshot, id: one, tree: one }
  const same: Snapshot = { ...original, id: other, original: one, tags: ['y', 'x'], time: '2026-01-02T04:04:05+01:00' }
  assert.equal(planCopy([original], [same]).copy.length, 0)
  for (const change of [{ tags: ['x'] }, { hostname: 'ipad' }, { tree: other }, { paths: ['/a'] }]) {
    assert.equal(planCopy([original], [{ ...same, ...change }]).copy.length, 1, JSON.stringify(change))
  }
  assert.equal(planCopy([original], [{ ...same, original: undefined }]).copy.length, 1)
})

test('a copy that dies at any call leaves the target sound, and the next one finishes it', async () => {
  const { repository: source } = await memoryRepository()
  await fill(source)
  const { backend } = await memoryRepository()
  const contents = await contentsOf(source)
  for (let dieAt = 3, died = true; died; dieAt++) {
    const files = createMemoryBackend(new Map(backend.files))
    const dying = createDyingBackend(files, { dieAt })
    await openedAgain(dying)
      .then((target) => copy(source, target))
      .catch(() => undefined)
    died = dying.isDead
    const after = await openedAgain(files)
    assert.ok((await checkRepository(after, { readData: { kind: 'all' }, signal })).ok, `dead at call ${dieAt}`)
    await copy(source, after)
    assert.deepEqual(await contentsOf(after), contents)
  }
})

test('a source that has lost something is not copied as if it were whole', async () => {
  const { backend, repository: source } = await memoryRepository()
  await fill(source)
  for (const path of [...backend.files.keys()]) if (path.startsWith('data/')) backend.files.delete(path)
  const { repository: target } = await memoryRepository()
  await assert.rejects(copy(source, target), (error) => isAppError(error, 'repo.damaged'))
  assert.deepEqual(await listSnapshots(target, { signal }), [])
})

test('restic and we know each other’s copies, and find nothing wrong with them', async () => {
  await using ours = await temporaryFolder()
  await using theirs = await temporaryFolder()
  await using target = await temporaryFolder()
  const source = await newRepository(ours.path)
  await fill(source)
  const from = { RESTIC_FROM_PASSWORD: PASSWORD.reveal() }
  await newRepository(theirs.path)
  await restic(theirs.path, ['copy', '--from-repo', ours.path], from)
  assert.equal(await copy(source, await reopened(theirs.path)), 0)
  await newRepository(target.path)
  assert.equal(await copy(await reopened(theirs.path), await reopened(target.path)), 3)
  assert.match(await restic(target.path, ['check', '--read-data']), /no errors were found/)
  assert.deepEqual(await contentsOf(await reopened(target.path)), await contentsOf(source))
  for (const folder of [ours, theirs]) {
    const printed = await restic(target.path, ['copy', '-v', '--from-repo', folder.path], from)
    assert.equal(printed.match(/was already copied/g)?.length, 3)
  }
})
