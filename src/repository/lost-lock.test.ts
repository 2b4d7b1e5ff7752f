import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import type { Backend } from './backend/backend.ts'
import { copySnapshots } from './copy.ts'
import { changePassword } from './keys.ts'
import { lockRepository, type RepositoryLock } from './lock.ts'
import { performPrune, preparePrune } from './prune/prune.ts'
import { PRUNE_DEFAULTS } from './prune/prune-plan.ts'
import { performIndexRepair, planIndexRepair } from './repair/repair-index.ts'
import { performPackRepair, planPackRepair } from './repair/repair-packs.ts'
import { performSnapshotRepair, planSnapshotRepair } from './repair/repair-snapshots.ts'
import { openRepository } from './repository.ts'
import { removeSnapshots } from './snapshots/forget.ts'
import type { Snapshot } from './snapshots/snapshot.ts'
import { seededBytes } from './testing/bytes.ts'
import { createTestClock } from './testing/clock.ts'
import type { MemoryBackend } from './testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain } from './testing/repositories.ts'
import { CHEAP_KDF, clock, PASSWORD, signal } from './testing/restic.ts'

const SLEPT_MS = 23 * 60_000

interface Stored {
  readonly backend: MemoryBackend
  readonly snapshots: readonly Snapshot[]
}

/** Three snapshots of one phone, with packs of their own. */
async function threeSnapshots(): Promise<Stored> {
  const { backend, repository } = await memoryRepository()
  await repository.loadIndex({ signal })
  const snapshots: Snapshot[] = []
  for (let day = 0; day < 3; day++) {
    snapshots.push(
      await backUp(repository, { 'udid/file': seededBytes(day, 50_000), 'udid/same': seededBytes(9, 900) }),
    )
  }
  return { backend, snapshots }
}

/** What a command does to a repository; `prepare` is what has become of the store before. */
interface Work {
  readonly prepare?: (stored: Stored) => Promise<void>
  readonly perform: (lock: RepositoryLock, stored: Stored) => Promise<unknown>
}

/** The pack of the newest file is damaged. */
async function damagePack({ backend }: Stored): Promise<void> {
  const packs = [...backend.files.keys()].filter((path) => path.startsWith('data/'))
  for (const path of packs.slice(-2))
    backend.files.set(path, Buffer.from(backend.files.get(path) ?? []).fill(0, 40, 60))
}

const WORKS: Readonly<Record<string, Work>> = {
  forget: {
    perform: async (lock, { snapshots }) =>
      await removeSnapshots(lock.repository, snapshots.slice(0, 2), { lock, signal }),
  },
  prune: {
    prepare: async ({ backend, snapshots }) => {
      for (const { id } of snapshots.slice(1)) await backend.remove({ kind: 'snapshot', id }, { signal })
    },
    perform: async (lock) => {
      const limits = { ...PRUNE_DEFAULTS, maxUnused: { percent: 0 } }
      await performPrune(await preparePrune(lock.repository, { limits, signal }), { lock, signal })
    },
  },
  copy: {
    prepare: async ({ backend, snapshots }) => {
      for (const { id } of snapshots) await backend.remove({ kind: 'snapshot', id }, { signal })
    },
    perform: async (lock) => {
      const { backend, snapshots } = await threeSnapshots()
      await lock.repository.loadIndex({ signal })
      const both = { source: await openedAgain(backend), target: lock.repository }
      await copySnapshots(both, snapshots, { lock, clock, signal })
    },
  },
  'key passwd': {
    perform: async (lock) => {
      const label = { createdMs: 0, hostname: 'nas', username: 'ana' }
      await changePassword(lock.repository, { password: new Secret('new'), label, kdf: CHEAP_KDF, signal })
    },
  },
  'repair packs': {
    prepare: damagePack,
    perform: async (lock) =>
      await performPackRepair(lock.repository, await planPackRepair(lock.repository, { signal }), {
        lock,
        clock,
        signal,
      }),
  },
  'repair index': {
    prepare: async ({ backend }) => {
      for (const path of backend.files.keys()) if (path.startsWith('index/')) backend.files.set(path, Buffer.from('{}'))
    },
    perform: async (lock) =>
      await performIndexRepair(lock.repository, await planIndexRepair(lock.repository, { signal }), { lock, signal }),
  },
  'repair snapshots': {
    prepare: async ({ backend }) => {
      const gone = await openedAgain(backend)
      const index = [...gone.index.blobs()].filter(({ type }) => type === 'data')
      for (const { packId } of index) await backend.remove({ kind: 'pack', id: packId }, { signal })
      await using lock = await lockRepository(gone, { mode: 'exclusive', owner, clock, signal })
      await performIndexRepair(gone, await planIndexRepair(gone, { signal }), { lock, signal })
    },
    perform: async (lock) => {
      const plan = await planSnapshotRepair(lock.repository, { signal })
      await performSnapshotRepair(lock.repository, plan, { lock, clock, signal, forget: true })
    },
  },
}

const owner = { hostname: 'phonekeep-1', username: 'boot-1', pid: process.pid }

for (const [name, { prepare, perform }] of Object.entries(WORKS)) {
  test(`${name}: a machine that falls asleep during the first write makes no second one`, async () => {
    const stored = await threeSnapshots()
    await prepare?.(stored)
    let sleptMs = 0
    let writes = 0
    const noteWrite = (kind: string) => {
      if (kind === 'lock') return
      sleptMs = SLEPT_MS
      writes++
    }
    const { backend } = stored
    const save: Backend['save'] = async (what, ...rest) => {
      noteWrite(what.kind)
      await backend.save(what, ...rest)
    }
    const remove: Backend['remove'] = async (what, ...rest) => {
      noteWrite(what.kind)
      return await backend.remove(what, ...rest)
    }
    const repository = await openRepository({ ...backend, save, remove }, { password: PASSWORD, signal })
    const still = createTestClock()
    const sleepy = { ...still, nowMs: () => still.nowMs() + sleptMs }
    await using lock = await lockRepository(repository, { mode: 'exclusive', owner, clock: sleepy, signal })
    await assert.rejects(perform(lock, stored), (error) => isAppError(error, 'repo.lock-lost'))
    assert.equal(writes, 1)
  })
}
