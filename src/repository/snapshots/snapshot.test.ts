import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { sha256 } from '../format/id.ts'
import type { Repository } from '../repository.ts'
import { memoryRepository } from '../testing/repositories.ts'
import { signal } from '../testing/restic.ts'
import {
  decodeSnapshot,
  findSnapshot,
  listSnapshots,
  type SnapshotFields,
  saveSnapshot,
  snapshotToJson,
} from './snapshot.ts'

const id = sha256(Buffer.from('snapshot'))
const tree = sha256(Buffer.from('tree'))
const code = (wanted: string) => (error: unknown) => isAppError(error, wanted)

const FULL: SnapshotFields = {
  time: '2026-01-02T03:04:05.5Z',
  parent: id,
  tree,
  paths: ['/udid'],
  hostname: 'iphone',
  username: 'phonekeep',
  uid: 501,
  gid: 20,
  excludes: ['x'],
  tags: ['incomplete'],
  original: id,
  program_version: 'phonekeep 0.1.0',
  summary: {
    backup_start: '2026-01-02T03:04:05Z',
    backup_end: '2026-01-02T03:05:05Z',
    files_new: 1,
    files_changed: 2,
    files_unmodified: 3,
    dirs_new: 4,
    dirs_changed: 5,
    dirs_unmodified: 6,
    data_blobs: 7,
    tree_blobs: 8,
    data_added: 9,
    data_added_packed: 10,
    total_files_processed: 11,
    total_bytes_processed: 12,
  },
}

const save = (repository: Repository, fields: Partial<SnapshotFields>) =>
  saveSnapshot(repository, { time: '2026-01-02T03:04:05Z', tree, paths: ['/udid'], ...fields }, { signal })

test('a snapshot gives back every field, and shows them in restic’s order', async () => {
  const { repository } = await memoryRepository()
  const saved = await saveSnapshot(repository, FULL, { signal })
  assert.deepEqual(await listSnapshots(repository, { signal }), [saved])
  const shown = snapshotToJson(saved)
  assert.deepEqual(Object.keys(shown), [...Object.keys(FULL), 'id', 'short_id'])
  assert.deepEqual(Object.entries(shown).at(-1), ['short_id', saved.id.slice(0, 8)])
})

test('empty fields are left out, as Go leaves them out', async () => {
  const { repository } = await memoryRepository()
  const saved = await save(repository, { hostname: '', uid: 0, tags: [], excludes: [] })
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(snapshotToJson(saved)))), [
    'time',
    'tree',
    'paths',
    'id',
    'short_id',
  ])
})

test('snapshots are listed by time, whatever their zone', async () => {
  const { repository } = await memoryRepository()
  const times = ['2026-01-02T00:00:00+02:00', '2026-01-01T23:00:00Z', '2026-01-01T22:30:00.000000001Z']
  for (const time of times) await save(repository, { time })
  const listed = (await listSnapshots(repository, { signal })).map((snapshot) => snapshot.time)
  assert.deepEqual(listed, [times[0], times[2], times[1]])
})

test('a snapshot is found by the start of its id, or as the latest of a host', async () => {
  const { repository } = await memoryRepository()
  const old = await save(repository, { hostname: 'a', time: '2026-01-01T00:00:00Z' })
  const mine = await save(repository, { hostname: 'b', time: '2026-01-02T00:00:00Z' })
  await save(repository, { hostname: 'c', time: '2026-01-03T00:00:00Z' })
  assert.equal((await findSnapshot(repository, old.id.slice(0, 12), { signal })).id, old.id)
  assert.equal((await findSnapshot(repository, mine.id, { signal })).id, mine.id)
  assert.equal((await findSnapshot(repository, 'latest', { signal, host: 'b' })).id, mine.id)
  assert.equal((await findSnapshot(repository, 'latest', { signal })).hostname, 'c')
})

test('what fits no snapshot, or more than one, is an error that says so', async () => {
  const { repository } = await memoryRepository()
  await assert.rejects(findSnapshot(repository, 'latest', { signal }), code('repo.snapshot-absent'))
  for (let n = 0; n < 17; n++) await save(repository, { username: String(n) })
  const digits = (await listSnapshots(repository, { signal })).map((snapshot) => snapshot.id[0]!)
  const twice = digits.find((digit, index) => digits.indexOf(digit) !== index)!
  await assert.rejects(findSnapshot(repository, twice, { signal }), code('repo.snapshot-ambiguous'))
  for (const wanted of ['', 'zzz', '../config', 'f'.repeat(64)]) {
    await assert.rejects(findSnapshot(repository, wanted, { signal }), (error) =>
      isAppError(error, wanted === '' ? 'repo.snapshot-ambiguous' : 'repo.snapshot-absent'),
    )
  }
  await assert.rejects(
    findSnapshot(repository, 'latest', { signal, host: 'other' }),
    (error) => isAppError(error, 'repo.snapshot-absent') && /of the host "other"/.test(error.message),
  )
})

for (const text of [
  '{',
  '[]',
  `{"time":"yesterday","tree":"${tree}","paths":[]}`,
  '{"time":"2026-01-02T03:04:05Z","tree":"xyz","paths":[]}',
  `{"time":"2026-01-02T03:04:05Z","tree":"${tree}","paths":[1]}`,
  `{"time":"2026-01-02T03:04:05Z","tree":"${tree}","paths":[],"hostname":{}}`,
  `{"time":"2026-01-02T03:04:05Z","tree":"${tree}","paths":[],"summary":{"files_new":-1}}`,
]) {
  test(`the snapshot ${text.slice(0, 60)} is damage`, () => {
    assert.throws(() => decodeSnapshot(id, text), code('repo.damaged'))
  })
}
