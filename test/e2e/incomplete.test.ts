import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { AppError, isAppError } from '../../src/base/errors.ts'
import {
  type Backend,
  findSnapshot,
  isIncomplete,
  listSnapshots,
  type Repository,
  type Snapshot,
} from '../../src/repository/index.ts'
import { Repository as OpenRepository } from '../../src/repository/repository.ts'
import type { RunEvent } from '../../src/run/index.ts'
import { assertHolds, hashContents } from '../testing/backup-folder.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, recorder, type World } from '../testing/world.ts'

const signal = NEVER
const FILES = 1_000
/** What a phone sends at every backup. */
const BOOKKEEPING_FILES = 3
/** A phone knows a file to be stored when the batch it was in has been answered. */
const FILES_PER_BATCH = 128

async function openPhone(): Promise<World> {
  return await openWorld({ files: FILES, bytes: 5_000_000 })
}

/** A run whose cable is pulled in the middle. Resolves with how many files the phone knows to be stored. */
async function interrupt(world: World, options: Parameters<World['backUp']>[0] = {}): Promise<number> {
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes: 2_500_000 })
  const { events, onEvent } = recorder()
  await assert.rejects(world.backUp({ ...options, onEvent }), (error) => isAppError(error, 'wire.closed'))
  const files = filesIn(events)
  return files - (files % FILES_PER_BATCH)
}

function filesIn(events: readonly RunEvent[]): number {
  return events.filter((event) => event.kind === 'file-received' && event.path.includes('Snapshot')).length
}

async function snapshotsOf(world: World): Promise<readonly Snapshot[]> {
  return await listSnapshots(await world.repository(), { signal })
}

/** A run that goes on: it takes no file again that the phone knows to be stored. */
async function goOn(world: World, stored: number, options: Parameters<World['backUp']>[0] = {}): Promise<Snapshot> {
  const { events, onEvent } = recorder()
  const { snapshot } = await world.backUp({ ...options, onEvent })
  assert.ok(events.some((event) => event.kind === 'started' && event.resumes))
  assert.ok(filesIn(events) <= FILES - stored + BOOKKEEPING_FILES, 'files were sent again')
  return snapshot
}

test('a foreign forget and prune between two runs takes nothing that was checkpointed, also where the state folder is lost', async () => {
  await using world = await openPhone()
  const stored = await interrupt(world)
  assert.ok(stored > 0)
  await restic(world.repositoryFolder, 'forget', '--keep-last', '1', '--prune')
  await rm(join(world.folder, 'resume'), { recursive: true })
  const snapshot = await goOn(world, stored)
  assert.deepEqual(
    (await snapshotsOf(world)).map(({ id }) => id),
    [snapshot.id],
  )
  const target = join(world.folder, 'restored')
  await restic(world.repositoryFolder, 'restore', 'latest', '--target', target)
  await assertHolds(join(target, world.virtual.udid), await hashContents(world.virtual.contents))
  await restic(world.repositoryFolder, 'check', '--read-data')
})

test('an interrupted run is never the latest, and never in the place of a backup, for restic no more than for us', async () => {
  await using world = await openPhone()
  const { snapshot: first } = await world.backUp()
  world.virtual.contents.change({ seed: 2, rewrite: FILES / 2 })
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes: 1_500_000 })
  await assert.rejects(world.backUp())
  const [incomplete, complete] = await snapshotsOf(world)
  assert.ok(incomplete && complete && isIncomplete(incomplete))
  assert.equal(complete.id, first.id)

  assert.equal((await findSnapshot(await world.repository(), 'latest', { signal })).id, first.id)
  const [latest] = JSON.parse(
    await restic(world.repositoryFolder, 'snapshots', 'latest', '--json', '--host', first.hostname ?? ''),
  )
  assert.equal(latest.id, first.id)
  const dumped = await restic(world.repositoryFolder, 'ls', '--json', 'latest')
  assert.equal(JSON.parse(dumped.slice(0, dumped.indexOf('\n'))).id, first.id)

  await restic(world.repositoryFolder, 'forget', '--keep-last', '1', '--prune')
  assert.deepEqual(
    (await snapshotsOf(world)).map(({ id }) => id),
    [incomplete.id, first.id],
  )
  const { snapshot: second } = await world.backUp()
  assert.deepEqual(
    (await snapshotsOf(world)).map(({ id }) => id),
    [first.id, second.id],
  )
})

test('of several interrupted runs one snapshot stays', async () => {
  await using world = await openPhone()
  for (let run = 0; run < 3; run++) {
    world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes: 1_000_000 })
    await assert.rejects(world.backUp())
    assert.equal((await snapshotsOf(world)).length, 1)
  }
})

/** The same repository on a store that may go wrong. */
async function onStore(world: World, change: (backend: Backend) => Partial<Backend>): Promise<Repository> {
  const { backend, sealer, config, keyId } = await world.repository()
  const store: Backend = {
    location: backend.location,
    prepare: (options) => backend.prepare(options),
    save: (name, pieces, options) => backend.save(name, pieces, options),
    load: (name, range, options) => backend.load(name, range, options),
    list: (kind, options) => backend.list(kind, options),
    remove: (name, options) => backend.remove(name, options),
    removeLeftovers: (beforeMs, options) => backend.removeLeftovers(beforeMs, options),
    freeBytes: (options) => backend.freeBytes(options),
    ...change(backend),
  }
  return new OpenRepository(store, sealer, config, keyId)
}

test('killed between two snapshots of an interrupted run, or before the last one goes, none stays in the end', async () => {
  await using world = await openPhone()
  const killed = await onStore(world, (backend) => ({
    remove: async (name, options) => {
      const isThere =
        name.kind === 'snapshot' && (await backend.load(name, { offset: 0, length: 1 }, options)) !== undefined
      if (isThere) throw new Error('killed')
      return await backend.remove(name, options)
    },
  }))
  await interrupt(world)
  await assert.rejects(world.backUp({ repository: killed }), /killed/)
  assert.equal((await snapshotsOf(world)).filter(isIncomplete).length, 2)
  const { snapshot } = await world.backUp()
  assert.deepEqual(
    (await snapshotsOf(world)).map(({ id }) => id),
    [snapshot.id],
  )
})

test('where nothing may be removed a run succeeds, leaves no snapshot beside its own, and says that its lock stays', async () => {
  await using world = await openPhone()
  const appendOnly = await onStore(world, () => ({
    remove: async () => {
      throw new AppError('repo.append-only', 'The server allows no removal', { remedy: 'none' })
    },
  }))
  const { events, onEvent } = recorder()
  await interrupt(world, { repository: appendOnly })
  const { snapshot } = await world.backUp({ repository: appendOnly, onEvent })
  assert.deepEqual(
    (await snapshotsOf(world)).map(({ id }) => id),
    [snapshot.id],
  )
  const left = events.flatMap((event) => (event.kind === 'left-behind' ? [event.error.code] : []))
  assert.deepEqual(left, ['repo.append-only'])
})

test('a store that turns out to remove nothing fails no run, and gets no snapshot of an interrupted one after that', async () => {
  await using world = await openPhone()
  const keeping = await onStore(world, (backend) => ({
    remove: async (name, options) => {
      const isThere = (await backend.load(name, { offset: 0, length: 1 }, options)) !== undefined
      if (name.kind !== 'snapshot' || !isThere) return await backend.remove(name, options)
      throw new AppError('repo.unwritable', 'Nothing may be removed', { remedy: 'none' })
    },
  }))
  await interrupt(world, { repository: keeping })
  const { events, onEvent } = recorder()
  await world.backUp({ repository: keeping, onEvent })
  assert.ok(events.some((event) => event.kind === 'left-behind'))
  assert.equal((await snapshotsOf(world)).filter(isIncomplete).length, 2)
  await world.backUp()
  assert.deepEqual((await snapshotsOf(world)).map(isIncomplete), [false, false])
})

test('after a phone has ended its backup by itself, nothing of that run is gone on with', async () => {
  await using world = await openPhone()
  await interrupt(world)
  world.virtual.faults.add({ do: 'end-file', code: 11, text: 'Input/output error (5)' })
  await assert.rejects(world.backUp(), (error) => isAppError(error) && /^device\.backup-/.test(error.code))
  assert.deepEqual(await snapshotsOf(world), [])
  const { events, onEvent } = recorder()
  await world.backUp({ onEvent })
  assert.ok(events.some((event) => event.kind === 'started' && !event.resumes))
})

test('a lock that is lost before the snapshot ends the run without one, and what was sent is kept', async () => {
  await using world = await openPhone()
  const locks = join(world.folder, 'repository', 'locks')
  const onEvent = ({ kind }: RunEvent) => {
    if (kind === 'saving') for (const name of readdirSync(locks)) rmSync(join(locks, name))
  }
  await assert.rejects(world.backUp({ onEvent }), (error) => isAppError(error, 'repo.lock-lost'))
  assert.deepEqual((await snapshotsOf(world)).map(isIncomplete), [true])
})
