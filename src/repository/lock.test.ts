import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { orAbort } from '../base/abort.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { Backend } from './backend/backend.ts'
import type { Id } from './format/id.ts'
import { type LockMode, lockRepository } from './lock.ts'
import type { LockOwner } from './lock-file.ts'
import { openRepository, type Repository } from './repository.ts'
import { createTestClock } from './testing/clock.ts'
import { memoryRepository } from './testing/repositories.ts'
import { PASSWORD, signal } from './testing/restic.ts'

const MINUTE_MS = 60_000
/** The machine was started long before the time of the tests' clock, 03:04:05. */
const owner: LockOwner = {
  hostname: 'phonekeep-1',
  username: 'boot-1',
  pid: process.pid,
  startedMs: Date.parse('2026-01-02T02:50:00Z'),
}
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

test('only locks of this station on this machine are taken for dead: when the process is gone, or the machine was started again since', async () => {
  const { repository } = await memoryRepository()
  const pid = await deadPid()
  const dead = [
    await plant(repository, { ...owner, pid, exclusive: true }),
    await plant(repository, { ...owner, pid, username: 'boot-0', exclusive: true, time: '2026-01-02T02:49:00Z' }),
  ]
  const others = [
    await plant(repository, { ...owner, pid, hostname: 'phonekeep-2' }),
    await plant(repository, { ...owner, pid, hostname: 'other', username: 'boot-0' }),
    await plant(repository, { ...owner, pid: process.ppid }),
    await plant(repository, { ...owner, pid: process.ppid, username: 'boot-2' }),
  ]
  await using _held = await lock(repository, 'shared')
  const left = await lockIds(repository)
  for (const id of dead) assert.ok(!left.includes(id))
  for (const id of others) assert.ok(left.includes(id))
})

const HALF_AN_HOUR_AGO = '2026-01-02T02:34:00Z'

test('a station’s lock that nobody has refreshed for half an hour is in nobody’s way; of others nobody knows', async () => {
  const { repository } = await memoryRepository()
  const lost = await plant(repository, { hostname: 'phonekeep-2', time: HALF_AN_HOUR_AGO })
  {
    await using _held = await lock(repository, 'exclusive')
    assert.ok(!(await lockIds(repository)).includes(lost))
  }
  await plant(repository, { hostname: 'phonekeep-2', time: '2026-01-02T02:36:00Z' })
  await assert.rejects(lock(repository, 'exclusive'), code('repo.locked'))
  const second = await memoryRepository()
  await plant(second.repository, { time: HALF_AN_HOUR_AGO })
  await assert.rejects(lock(second.repository, 'exclusive'), code('repo.locked'))
})

test('a station’s lock that only one clock calls old stays in the way', async () => {
  const { repository, backend } = await memoryRepository()
  const list: Backend['list'] = async function* (kind, options) {
    for await (const file of backend.list(kind, options)) yield { ...file, modifiedMs: 0 }
  }
  const store = await openRepository({ ...backend, list }, { password: PASSWORD, signal })
  await plant(repository, { hostname: 'phonekeep-2', time: HALF_AN_HOUR_AGO })
  await assert.rejects(lock(store, 'exclusive'), code('repo.locked'))
  assert.equal((await lockIds(repository)).length, 1)
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
  await assert.rejects(
    lock(repository, 'shared'),
    (error) => isAppError(error, 'repo.damaged') && /unlock --remove-all/.test(error.remedy),
  )
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

test('a store that never answers does not hide that the time is up', async () => {
  const { backend } = await memoryRepository()
  const disk = { hangs: false }
  const save: Backend['save'] = async (name, pieces, options) => {
    if (disk.hangs) await orAbort(new Promise<void>(() => {}), options.signal)
    await backend.save(name, pieces, options)
  }
  const repository = await openRepository({ ...backend, save }, { password: PASSWORD, signal })
  const clock = createTestClock()
  {
    await using held = await lock(repository, 'shared', clock)
    disk.hangs = true
    for (let minute = 0; minute < 23; minute++) await clock.advance(MINUTE_MS)
    assert.ok(isAppError(held.signal.reason, 'repo.lock-lost'))
  }
  assert.deepEqual(await lockIds(repository), [])
})

test('a machine that has slept writes nothing more under its lock, before any timer has fired', async () => {
  const { repository } = await memoryRepository()
  let sleptMs = 0
  const clock = createTestClock()
  const sleepy = { ...clock, nowMs: () => clock.nowMs() + sleptMs }
  await using held = await lockRepository(repository, { mode: 'shared', owner, clock: sleepy, signal })
  await held.repository.saveUnpacked('index', '{"packs":[]}', { signal })
  sleptMs = 23 * MINUTE_MS
  await assert.rejects(held.repository.saveUnpacked('snapshot', '{}', { signal }), code('repo.lock-lost'))
  assert.deepEqual(await Array.fromAsync(repository.backend.list('snapshot', { signal })), [])
  assert.ok(isAppError(held.signal.reason, 'repo.lock-lost'))
})

/** A store on which nothing can be removed. */
async function keepingRepository() {
  const { backend } = await memoryRepository()
  const remove: Backend['remove'] = async () => {
    throw new AppError('repo.append-only', 'Nothing may be removed', { remedy: 'none' })
  }
  return await openRepository({ ...backend, remove }, { password: PASSWORD, signal })
}

test('where nothing may be removed, the lock that stays is told of, and fails nothing; nor do dead ones that stay', async () => {
  const repository = await keepingRepository()
  const told: AppError[] = []
  await plant(repository, { ...owner, pid: await deadPid() })
  {
    const onLeft = (error: AppError) => told.push(error)
    await using _held = await lockRepository(repository, {
      mode: 'shared',
      owner,
      clock: createTestClock(),
      signal,
      onLeft,
    })
  }
  assert.deepEqual(
    told.map((error) => error.code),
    ['repo.append-only'],
  )
  assert.equal((await lockIds(repository)).length, 2)
})

test('where nothing may be removed, a station’s lock that every clock calls stale is passed over; a fresh one is heeded', async () => {
  const kept = await keepingRepository()
  const list: Backend['list'] = async function* (kind, options) {
    let writtenMs = Date.parse(HALF_AN_HOUR_AGO)
    for await (const file of kept.backend.list(kind, options)) {
      yield { ...file, modifiedMs: writtenMs }
      writtenMs += 31 * MINUTE_MS
    }
  }
  const repository = await openRepository({ ...kept.backend, list }, { password: PASSWORD, signal })
  await plant(repository, { hostname: 'phonekeep-2', exclusive: true, time: HALF_AN_HOUR_AGO })
  const onLeft = () => undefined
  const options = { mode: 'shared', owner, clock: createTestClock(), signal, onLeft } as const
  {
    await using held = await lockRepository(repository, options)
    await held.verify({ signal })
  }
  await plant(repository, { hostname: 'phonekeep-3', exclusive: true, time: '2026-01-02T03:00:00Z' })
  await assert.rejects(lockRepository(repository, options), code('repo.locked'))
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
