import assert from 'node:assert/strict'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { isAppError } from '../../src/base/errors.ts'
import { isIncomplete, listSnapshots } from '../../src/repository/index.ts'
import type { RunEvent } from '../../src/run/index.ts'
import { MISCHIEFS } from '../../src/virtual-phone/index.ts'
import { assertHolds, hashContents, hashFolder } from '../testing/backup-folder.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, recorder, type World } from '../testing/world.ts'

/** Restores with plain restic, and gives the phone's backup folder. */
async function resticRestore(world: World, snapshot: string): Promise<string> {
  const target = join(world.folder, `restored-${snapshot.slice(0, 8)}`)
  await restic(world.repositoryFolder, 'restore', snapshot, '--target', target)
  return join(target, world.virtual.udid)
}

async function snapshotsOf(world: World): Promise<readonly string[]> {
  const snapshots = await listSnapshots(await world.repository(), { signal: NEVER })
  return snapshots.filter((snapshot) => !isIncomplete(snapshot)).map(({ id }) => id)
}

test('a backup restored with plain restic holds every file of the phone, byte for byte', async () => {
  await using world = await openWorld({ files: 300, bytes: 20_000_000 })
  const { snapshot, files } = await world.backUp()
  await restic(world.repositoryFolder, 'check', '--read-data')
  await assertHolds(await resticRestore(world, snapshot.id), await hashContents(world.virtual.contents))
  assert.equal(files, world.virtual.contents.totals.files + 4)
})

test('restic shows the phone as host, its folder as path, and its name and iOS version as tags', async () => {
  await using world = await openWorld()
  await world.backUp()
  const [snapshot] = JSON.parse(await restic(world.repositoryFolder, 'snapshots', '--json'))
  assert.match(snapshot.hostname, /^iphone-[0-9a-f]{8}$/)
  assert.deepEqual(snapshot.paths, [`/${world.virtual.udid}`])
  assert.deepEqual(snapshot.tags, [world.virtual.identity.deviceName, 'iOS 18.7'])
})

test('a second backup sends and stores only what changed, and both snapshots hold what the phone held', async () => {
  await using world = await openWorld({ files: 300, bytes: 20_000_000 })
  const { contents } = world.virtual
  const before = await hashContents(contents)
  const first = await world.backUp()
  contents.change({ seed: 2, add: 4, rewrite: 6, move: 3, remove: 5 })
  const after = await hashContents(contents)
  const { events, onEvent } = recorder()
  const second = await world.backUp({ onEvent })

  assert.equal(filesIn(events), 4 + 6 + 3 + 2, 'added, rewritten and moved files, Manifest.plist and Manifest.db')
  assert.ok(second.storedBytes < first.storedBytes / 4, `${second.storedBytes} of ${first.storedBytes} bytes`)
  assert.equal(second.snapshot.parent, first.snapshot.id)
  await assertHolds(await resticRestore(world, first.snapshot.id), before)
  await assertHolds(await resticRestore(world, second.snapshot.id), after)
  await restic(world.repositoryFolder, 'check', '--read-data')
})

test('a backup of an unchanged phone stores next to nothing', async () => {
  await using world = await openWorld({ files: 300, bytes: 20_000_000 })
  await world.backUp()
  const { storedBytes } = await world.backUp()
  assert.ok(storedBytes < 400_000, `${storedBytes} bytes`)
})

for (const share of [0.05, 0.5, 0.95]) {
  test(`a cable pulled after ${share * 100} % leaves no snapshot, and the next run goes on from there`, async () => {
    await using world = await openWorld({ files: 2_000, bytes: 10_000_000 })
    const { contents } = world.virtual
    const afterBytes = Math.floor(share * contents.totals.bytes)
    world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes })
    const dropped = recorder()
    await assert.rejects(world.backUp(dropped), (error) => isAppError(error, 'wire.closed'))
    assert.deepEqual(await snapshotsOf(world), [])

    const resumed = recorder()
    const { snapshot } = await world.backUp(resumed)
    assert.ok(resumed.events.some((event) => event.kind === 'started' && event.resumes))
    const confirmed = filesIn(dropped.events) - (filesIn(dropped.events) % FILES_PER_BATCH)
    assert.ok(filesIn(resumed.events) <= contents.totals.files - confirmed + BOOKKEEPING_FILES, 'files were sent again')
    await assertHolds(await resticRestore(world, snapshot.id), await hashContents(contents))
    await restic(world.repositoryFolder, 'check', '--read-data')
  })
}

/** A phone knows a file to be stored when the batch it was in has been answered. */
const FILES_PER_BATCH = 128
const BOOKKEEPING_FILES = 3

function filesIn(events: readonly RunEvent[]): number {
  return events.filter((event) => event.kind === 'file-received' && event.path.includes('Snapshot')).length
}

test('an abort leaves no snapshot and no lock, and the next run goes on', async () => {
  await using world = await openWorld({ files: 400, bytes: 20_000_000 })
  const abort = new AbortController()
  const onEvent = (event: { kind: string }) => {
    if (event.kind === 'file-received') abort.abort(new Error('enough'))
  }
  await assert.rejects(world.backUp({ signal: abort.signal, onEvent }), /enough/)
  assert.deepEqual(await snapshotsOf(world), [])
  assert.deepEqual(await readdir(join(world.repositoryFolder, 'locks')), [])
  await world.backUp()
  await restic(world.repositoryFolder, 'check', '--read-data')
})

async function incompleteOf(world: World): Promise<string> {
  const snapshot = (await listSnapshots(await world.repository(), { signal: NEVER })).find(isIncomplete)
  return snapshot?.id ?? ''
}

test('a checkpoint whose blobs a prune took away is left aside', async () => {
  await using world = await openWorld({ files: 400, bytes: 20_000_000 })
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobilebackup2', afterBytes: 10_000_000 })
  await assert.rejects(world.backUp())
  await restic(world.repositoryFolder, 'forget', '--prune', await incompleteOf(world))
  const { events, onEvent } = recorder()
  const { snapshot } = await world.backUp({ onEvent })
  assert.ok(events.some((event) => event.kind === 'started' && !event.resumes))
  await assertHolds(await resticRestore(world, snapshot.id), await hashContents(world.virtual.contents))
})

test('a backup that does not fit the allowance ends before a file is sent', async () => {
  await using world = await openWorld()
  const { events, onEvent } = recorder()
  const running = world.backUp({ allowanceBytes: 2 ** 27, onEvent })
  await assert.rejects(running, (error) => isAppError(error, 'device.backup-no-space'))
  assert.ok(events.some((event) => event.kind === 'space-asked' && event.freeBytes === 2 ** 27))
  assert.ok(!events.some((event) => event.kind === 'file-received'))
})

test('a passcode that is refused is told as such, and changes nothing', async () => {
  await using world = await openWorld()
  world.virtual.condition.set({ passcode: '1234', passcodePrompt: 'refuse' })
  const { events, onEvent } = recorder()
  await assert.rejects(world.backUp({ onEvent }), (error) => isAppError(error, 'device.backup-no-passcode'))
  assert.ok(events.some((event) => event.kind === 'passcode-asked'))
  assert.deepEqual(await snapshotsOf(world), [])
})

test('a cancel on the phone ends the run', async () => {
  await using world = await openWorld({ files: 400, bytes: 20_000_000 })
  const onEvent = (event: { kind: string }) => {
    if (event.kind === 'file-received') world.virtual.post('com.apple.itunes-client.syncCancelRequest')
  }
  await assert.rejects(world.backUp({ onEvent }), (error) => isAppError(error, 'run.cancelled'))
})

test('two phones in one repository do not see each other', async () => {
  await using world = await openWorld()
  await using other = await openWorld({ seed: 9 })
  const first = await world.backUp()
  const second = await other.backUp({ repository: await world.repository() })
  assert.equal(second.snapshot.parent, undefined)
  assert.notEqual(second.snapshot.hostname, first.snapshot.hostname)
})

test('no lie of a hostile phone becomes a snapshot, and none changes anything but its own run', async (context) => {
  await using world = await openWorld()
  const { snapshot } = await world.backUp()
  const good = await resticRestore(world, snapshot.id)
  for (const mischief of MISCHIEFS) {
    await context.test(mischief.name, async () => {
      world.virtual.faults.clear()
      world.virtual.faults.add({ do: 'mischief', name: mischief.name, times: 100 })
      await assert.rejects(world.backUp(), (error) => isAppError(error))
      assert.deepEqual(await snapshotsOf(world), [snapshot.id])
    })
  }
  world.virtual.faults.clear()
  await world.backUp()
  await restic(world.repositoryFolder, 'check', '--read-data')
  const again = await world.backUp()
  assert.deepEqual(
    payloadOf(await hashFolder(await resticRestore(world, again.snapshot.id))),
    payloadOf(await hashFolder(good)),
  )
})

function payloadOf(hashes: ReadonlyMap<string, string>): readonly string[] {
  return [...hashes]
    .filter(([path]) => path.includes('/'))
    .map(([path, hash]) => `${path} ${hash}`)
    .toSorted()
}

test('a damaged snapshot file is told of, and hides no other', async () => {
  await using world = await openWorld({ files: 10, bytes: 100_000 })
  const first = await world.backUp()
  const second = await world.backUp()
  const file = join(world.repositoryFolder, 'snapshots', second.snapshot.id)
  await chmod(file, 0o600)
  await writeFile(file, 'nonsense')
  const { events, onEvent } = recorder()
  const third = await world.backUp({ onEvent })
  assert.ok(events.some((event) => event.kind === 'snapshot-damaged'))
  assert.equal(third.snapshot.parent, first.snapshot.id)
})
