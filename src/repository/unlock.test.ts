import assert from 'node:assert/strict'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathOf } from './backend/backend.ts'
import type { Id } from './format/id.ts'
import { lockRepository } from './lock.ts'
import { encodeLock, type LockFields } from './lock-file.ts'
import type { Repository } from './repository.ts'
import { isStale } from './stale-lock.ts'
import { createTestClock } from './testing/clock.ts'
import { memoryRepository } from './testing/repositories.ts'
import { newRepository, restic, signal, temporaryFolder } from './testing/restic.ts'
import { unlock } from './unlock.ts'

const clock = createTestClock()
const MINUTE_MS = 60_000
const startedMs = clock.nowMs() - 10 * MINUTE_MS
const owner = { hostname: 'phonekeep-here', username: 'boot-1', pid: process.pid, startedMs }
/** No process ever has it. */
const NO_PID = 2 ** 30

async function leaveLock(repository: Repository, fields: Partial<LockFields>): Promise<Id> {
  const lock = { timeMs: clock.nowMs(), exclusive: true, hostname: 'elsewhere', username: 'root', pid: 1, ...fields }
  return await repository.saveUnpacked('lock', encodeLock(lock), { signal })
}

/** Which of the locks an `unlock` removes; the others must still be there. */
async function removedOf(repository: Repository, all = false): Promise<readonly Id[]> {
  const { removed, left } = await unlock(repository, { all, owner, clock, signal })
  const stored = (await Array.fromAsync(repository.backend.list('lock', { signal }))).map(({ id }) => id)
  assert.deepEqual(stored.toSorted(), left.map(({ id }) => id).sort())
  return removed.map(({ id }) => id)
}

test('locks that nobody has refreshed for half an hour go, younger ones stay', async () => {
  const { repository } = await memoryRepository()
  const old = await leaveLock(repository, { timeMs: clock.nowMs() - 31 * MINUTE_MS })
  await leaveLock(repository, { timeMs: clock.nowMs() - 29 * MINUTE_MS })
  await leaveLock(repository, { timeMs: clock.nowMs() + 90 * MINUTE_MS })
  assert.deepEqual(await removedOf(repository), [old])
})

test('the lock of a process of this station that is gone goes at once; of others nobody here can know', async () => {
  const { repository } = await memoryRepository()
  const dead = [
    await leaveLock(repository, { ...owner, pid: NO_PID }),
    await leaveLock(repository, { ...owner, username: 'boot-0', timeMs: startedMs - MINUTE_MS }),
  ]
  await leaveLock(repository, { ...owner, username: 'boot-0', timeMs: startedMs + MINUTE_MS })
  await leaveLock(repository, { ...owner, hostname: 'phonekeep-there', pid: NO_PID })
  await leaveLock(repository, { ...owner, hostname: 'phonekeep-there', username: 'boot-0' })
  assert.deepEqual((await removedOf(repository)).toSorted(), dead.toSorted())
})

test('a lock that this very process holds stays', async () => {
  const { repository } = await memoryRepository()
  await using _held = await lockRepository(repository, { mode: 'shared', owner, clock, signal })
  assert.deepEqual(await removedOf(repository), [])
})

test('a lock is old only if every clock says so', () => {
  const old = 31 * MINUTE_MS
  assert.equal(isStale({ ageMs: old, storeAgeMs: old }), true)
  assert.equal(isStale({ ageMs: old, storeAgeMs: MINUTE_MS }), false)
  assert.equal(isStale({ ageMs: MINUTE_MS, storeAgeMs: old }), false)
  assert.equal(isStale({ ageMs: old, storeAgeMs: undefined }), true)
})

test('a clock that is two hours ahead, here or where the lock was written, kills no living lock', async () => {
  await using folder = await temporaryFolder()
  const repository = await newRepository(folder.path)
  await leaveLock(repository, { timeMs: clock.nowMs() - 120 * MINUTE_MS })
  assert.deepEqual(await removedOf(repository), [])
  const old = await leaveLock(repository, { timeMs: clock.nowMs() - 121 * MINUTE_MS })
  await utimes(join(folder.path, pathOf({ kind: 'lock', id: old })), 0, 0)
  assert.deepEqual(await removedOf(repository), [old])
})

test('all locks go when that is wanted, also those that cannot be read', async () => {
  const { backend, repository } = await memoryRepository()
  const ids = [await leaveLock(repository, {}), await leaveLock(repository, { exclusive: false })]
  backend.files.set(pathOf({ kind: 'lock', id: ids[0]! }), Buffer.from('nonsense'))
  assert.deepEqual(await removedOf(repository), [])
  assert.deepEqual((await removedOf(repository, true)).toSorted(), ids.toSorted())
})

test('a dead lock that restic has left is removed, and restic works again', async () => {
  await using folder = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const id = await leaveLock(repository, { timeMs: Date.parse('2020-01-01T00:00:00Z') })
  await utimes(join(folder.path, pathOf({ kind: 'lock', id })), 0, 0)
  await assert.rejects(restic(folder.path, ['prune']), /locked/)
  assert.deepEqual(await removedOf(repository), [id])
  assert.match(await restic(folder.path, ['check']), /no errors were found/)
})
