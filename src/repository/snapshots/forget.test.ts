import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../base/errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import { lockRepository } from '../lock.ts'
import { memoryRepository } from '../testing/repositories.ts'
import { clock, newRepository, restic, signal, temporaryFolder } from '../testing/restic.ts'
import { assertEachKeepsOne, type Grouping, planForget, removeSnapshots } from './forget.ts'
import { INCOMPLETE_TAG, incompleteHost } from './incomplete.ts'
import { KEEP_NOTHING, type KeepPolicy, parseCalendarDuration } from './keep-policy.ts'
import { listSnapshots, type Snapshot, type SnapshotFields, saveSnapshot } from './snapshot.ts'

const TREE = sha256(Buffer.from('tree'))
const options = { nowMs: Date.parse('2026-01-01T00:00:00Z'), timeZone: 'UTC' }
const byPhone: readonly Grouping[] = ['host', 'paths']

function snapshot(day: number, fields: Partial<SnapshotFields> = {}): Snapshot {
  const time = `2025-03-${String(day).padStart(2, '0')}T12:00:00Z`
  const id = sha256(Buffer.from(JSON.stringify([day, fields])))
  return { id, time, tree: TREE, paths: ['/udid'], hostname: 'iphone', ...fields }
}

const plan = (snapshots: readonly Snapshot[], policy: Partial<KeepPolicy>, groupBy = byPhone) =>
  planForget(snapshots, { policy: { ...KEEP_NOTHING, ...policy }, groupBy, ...options })
const incompleteOn = (parent: Snapshot | undefined) => ({
  tags: [INCOMPLETE_TAG],
  hostname: incompleteHost('iphone'),
  parent: parent?.id,
})

test('each phone is treated as if it were alone', () => {
  const snapshots = [snapshot(1), snapshot(2), snapshot(1, { hostname: 'ipad' }), snapshot(3, { paths: ['/other'] })]
  const groups = plan(snapshots, { last: 1 })
  assert.deepEqual(
    groups.map(({ host, paths, keep, remove }) => [host, paths, keep.length, remove.length]),
    [
      ['iphone', ['/udid'], 1, 1],
      ['ipad', ['/udid'], 1, 0],
      ['iphone', ['/other'], 1, 0],
    ],
  )
})

test('an interrupted run takes no complete backup’s place', () => {
  const complete = [snapshot(1), snapshot(2)]
  const onNewest = incompleteOn(complete[1])
  const snapshots = [...complete, snapshot(3, onNewest), snapshot(4, onNewest)]
  const [group] = plan(snapshots, { last: 2 })
  assert.deepEqual(
    group?.keep.map(({ snapshot: { time }, reasons }) => [time.slice(8, 10), reasons]),
    [
      ['04', ['interrupted run']],
      ['03', ['interrupted run']],
      ['02', ['last snapshot']],
      ['01', ['last snapshot']],
    ],
  )
})

test('an interrupted run goes once a complete backup has followed, unless its tag is to be kept', () => {
  const first = snapshot(1)
  const snapshots = [first, snapshot(2, incompleteOn(first)), snapshot(3)]
  assert.deepEqual(plan(snapshots, { last: 5 })[0]?.remove, [snapshots[1]])
  assert.deepEqual(plan(snapshots, { last: 5, tags: [[INCOMPLETE_TAG]] })[0]?.remove, [])
})

test('the first run of a phone that was interrupted stays; after the tag of its backup was changed, a later one does, too', () => {
  assert.deepEqual(plan([snapshot(1, incompleteOn(undefined))], { last: 1 })[0]?.remove, [])
  const first = snapshot(1)
  const tagged = snapshot(1, { tags: ['kept'], original: first.id })
  assert.deepEqual(plan([tagged, snapshot(2, incompleteOn(first))], { last: 1 })[0]?.remove, [])
})

test('where all backups of a phone would go, it has to be said', () => {
  const snapshots = [
    snapshot(1),
    snapshot(2),
    snapshot(3, incompleteOn(snapshot(2))),
    snapshot(1, { hostname: 'ipad' }),
  ]
  const gone = (...indexes: readonly number[]) => new Set(indexes.map((index): Id => snapshots[index]!.id))
  assertEachKeepsOne(snapshots, gone(0, 2))
  const refused = (error: unknown) => isAppError(error, 'repo.forgets-last') && /iphone/.test(error.message)
  assert.throws(() => assertEachKeepsOne(snapshots, gone(0, 1)), refused)
  assertEachKeepsOne([snapshots[2]!], gone(2))
})

test('removed snapshots are gone, and no others', async () => {
  const { repository } = await memoryRepository()
  const saved = await Promise.all([1, 2, 3].map((day) => saveSnapshot(repository, snapshot(day), { signal })))
  const owner = { hostname: 'test', username: 'phonekeep-1', pid: process.pid }
  await using lock = await lockRepository(repository, { mode: 'exclusive', owner, clock, signal })
  await removeSnapshots(repository, saved.slice(0, 2), { lock, signal })
  assert.deepEqual(
    (await listSnapshots(repository, { signal })).map(({ id }) => id),
    [saved[2]!.id],
  )
})

test('durations are read and written as restic does', () => {
  assert.deepEqual(parseCalendarDuration('1y5m7d2h'), { years: 1, months: 5, days: 7, hours: 2 })
  assert.deepEqual(parseCalendarDuration('2h3d'), { years: 0, months: 0, days: 3, hours: 2 })
  for (const text of ['', '1', 'd', '-1d', '1.5d', '1w', '1d ', '123456d']) {
    assert.equal(parseCalendarDuration(text), undefined, text)
  }
})

test('we group as restic does', async () => {
  await using folder = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const kinds = [
    {},
    { tags: ['b', 'a'] },
    { tags: ['a', 'b'] },
    { hostname: 'ipad' },
    { paths: ['/b', '/a'] },
    { paths: ['/a', '/b'] },
  ] // prettier-ignore
  let day = 0
  for (const kind of [...kinds, ...kinds]) await saveSnapshot(repository, snapshot(++day, kind), { signal })
  for (const groupBy of ['host,paths', 'tags', 'host,tags', 'paths', '']) {
    const printed = await restic(folder.path, ['forget', '-n', '--json', '--keep-last', '1', '--group-by', groupBy])
    const theirs: readonly ResticGroup[] = JSON.parse(printed)
    const groupings = groupBy.split(',').filter((name) => name !== '') as Grouping[]
    const ours = plan(await listSnapshots(repository, { signal }), { last: 1 }, groupings)
    const ourGroups = ours.map((group) => ({ ...group, keep: group.keep.map((kept) => kept.snapshot) }))
    assert.deepEqual(ourGroups.map(summaryOf).sort(), theirs.map(summaryOf).sort(), groupBy)
  }
})

interface ResticGroup {
  readonly host: string
  readonly paths: readonly string[] | null | undefined
  readonly tags: readonly string[] | null | undefined
  readonly keep: readonly { readonly id: string }[] | null
  readonly remove: readonly { readonly id: string }[] | null
}

function summaryOf({ host, paths, tags, keep, remove }: ResticGroup): string {
  const idsOf = (list: ResticGroup['keep']) => (list ?? []).map(({ id }) => id)
  return JSON.stringify([host, paths ?? [], tags ?? [], idsOf(keep), idsOf(remove)])
}
