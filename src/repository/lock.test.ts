import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import type { Backend } from './backend/backend.ts'
import type { Id } from './format/id.ts'
import { type LockMode, type LockOwner, lockRepository } from './lock.ts'
import { openRepository, type Repository } from './repository.ts'
import { createTestClock } from './testing/clock.ts'
import { memoryRepository } from './testing/repositories.ts'
import { PASSWORD, signal } from './testing/restic.ts'

const MINUTE_MS = 60_000
const owner: LockOwner = { hostname: 'nas', username: 'phonekeep-1', pid: process.pid }
const code = (wanted: string) => (error: unknown) => isAppError(error, wanted)

async function deadPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid!
}

async function lockIds(repository: Repository): Promise<readonly Id[]> {
  return (await Array.fromAsync(repository.backend.list('lock', { signal }))).map(({ id }) => id)
}

const lock = (repository: Repository, mode: LockMode, clock = createTestClock()) =>
  lockRepository(repository, { mode, owner, clock, signal })

/** A lock file of somebody else. */
async function plant(repository: Repository, fields: object): Promise<Id> {
  const json = {
    time: '2026-01-02T03:00:00Z',
    exclusive: false,
    hostname: 'other',
    username: 'root',
    pid: 7,
    ...fields,
  }
  return await repository.saveUnpacked('lock', JSON.stringify(json), { signal })
}

test('many may share; giving back removes the file', async () => {
  const { repository } = await memoryRepository()
  {
    await using _first = await lock(repository, 'shared')
    await using _second = await lock(repository, 'shared')
    assert.equal((await lockIds(repository)).length, 2)
  }
  assert.deepEqual(await lockIds(repository), [])
})

test('an exclusive lock bears no other, and none bears it', async () => {
  const { repository } = await memoryRepository()
  {
    await using _held = await lock(repository, 'exclusive')
    await assert.rejects(lock(repository, 'shared'), code('repo.locked'))
    await assert.rejects(lock(repository, 'exclusive'), code('repo.locked'))
    assert.equal((await lockIds(repository)).length, 1)
  }
  await using _held = await lock(repository, 'shared')
  await assert.rejects(lock(repository, 'exclusive'), code('repo.locked'))
})

test('a conflict names who holds the lock, and since when', async () => {
  const { repository } = await memoryRepository()
  await plant(repository, { exclusive: true, time: '2026-01-02T02:50:05.5+00:00' })
  await assert.rejects(lock(repository, 'shared'), (error) => {
    assert.ok(isAppError(error, 'repo.locked'))
    assert.match(error.message, /process 7 of root on other \(exclusive, refreshed 14 min ago\)/)
    return true
  })
})

test('only locks of this station on this machine whose process is gone are removed', async () => {
  const { repository } = await memoryRepository()
  const pid = await deadPid()
  const dead = await plant(repository, { ...owner, pid, exclusive: true })
  const others = [
    await plant(repository, { ...owner, pid, hostname: 'other' }),
    await plant(repository, { ...owner, pid, username: 'phonekeep-2' }),
    await plant(repository, { ...owner, pid: process.ppid }),
  ]
  await using _held = await lock(repository, 'shared')
  const left = await lockIds(repository)
  assert.ok(!left.includes(dead))
  for (const id of others) assert.ok(left.includes(id))
})

test('a lock with our process number that we do not hold was left by an earlier process', async () => {
  const { repository } = await memoryRepository()
  const left = await plant(repository, { ...owner, exclusive: true })
  await using _held = await lock(repository, 'exclusive')
  assert.ok(!(await lockIds(repository)).includes(left))
})

test('an empty lock file is none, an unreadable one is damage', async () => {
  const { repository, backend } = await memoryRepository()
  backend.files.set(`locks/${'a'.repeat(64)}`, new Uint8Array(0))
  await using _held = await lock(repository, 'exclusive')
  backend.files.set(`locks/${'b'.repeat(64)}`, Buffer.from('garbage'))
  await assert.rejects(lock(repository, 'shared'), code('repo.damaged'))
})

test('every five minutes a new file takes the place of the old one', async () => {
  const { repository } = await memoryRepository()
  const clock = createTestClock()
  await using held = await lock(repository, 'shared', clock)
  const seen = new Set(await lockIds(repository))
  for (let minute = 0; minute < 60; minute++) {
    await clock.advance(MINUTE_MS)
    const ids = await lockIds(repository)
    assert.equal(ids.length, 1)
    for (const id of ids) seen.add(id)
  }
  assert.equal(seen.size, 13)
  assert.equal(held.signal.aborted, false)
})

test('a lock that somebody removed is lost, and its work is told', async () => {
  const { repository, backend } = await memoryRepository()
  const clock = createTestClock()
  await using held = await lock(repository, 'shared', clock)
  for (const id of await lockIds(repository)) backend.files.delete(`locks/${id}`)
  await assert.rejects(held.verify({ signal }), code('repo.lock-lost'))
  assert.ok(isAppError(held.signal.reason, 'repo.lock-lost'))
})

test('a removed lock is also noticed at the next refresh', async () => {
  const { repository, backend } = await memoryRepository()
  const clock = createTestClock()
  await using held = await lock(repository, 'shared', clock)
  for (const id of await lockIds(repository)) backend.files.delete(`locks/${id}`)
  for (let minute = 0; minute < 5; minute++) await clock.advance(MINUTE_MS)
  assert.ok(isAppError(held.signal.reason, 'repo.lock-lost'))
})

/** A repository whose saves fail while `disk.broken`. */
async function flakyRepository() {
  const { backend } = await memoryRepository()
  const disk = { broken: false }
  const save: Backend['save'] = async (name, pieces, options) => {
    if (disk.broken) throw new Error('disk gone')
    await backend.save(name, pieces, options)
  }
  return { disk, repository: await openRepository({ ...backend, save }, { password: PASSWORD, signal }) }
}

test('a lock that could not be refreshed for 22.5 minutes is lost, not earlier', async () => {
  const { disk, repository } = await flakyRepository()
  const clock = createTestClock()
  await using held = await lock(repository, 'shared', clock)
  disk.broken = true
  for (let minute = 0; minute < 22; minute++) await clock.advance(MINUTE_MS)
  assert.equal(held.signal.aborted, false)
  await clock.advance(MINUTE_MS)
  assert.ok(isAppError(held.signal.reason, 'repo.lock-lost'))
})

test('a disk that comes back in time keeps the lock', async () => {
  const { disk, repository } = await flakyRepository()
  const clock = createTestClock()
  await using held = await lock(repository, 'shared', clock)
  for (let minute = 0; minute < 60; minute++) {
    disk.broken = minute % 20 < 15
    await clock.advance(MINUTE_MS)
  }
  assert.equal(held.signal.aborted, false)
})

test('a machine that slept for hours finds its lock lost at the next look', async () => {
  const { repository } = await memoryRepository()
  const clock = createTestClock()
  await using held = await lock(repository, 'shared', clock)
  await clock.advance(8 * 60 * MINUTE_MS)
  assert.ok(isAppError(held.signal.reason, 'repo.lock-lost'))
})

test('the caller’s signal ends the work under the lock, and the file is removed all the same', async () => {
  const { repository } = await memoryRepository()
  const abort = new AbortController()
  {
    await using held = await lockRepository(repository, {
      mode: 'shared',
      owner,
      clock: createTestClock(),
      signal: abort.signal,
    })
    abort.abort(new Error('enough'))
    assert.equal(held.signal.reason.message, 'enough')
  }
  assert.deepEqual(await lockIds(repository), [])
})
