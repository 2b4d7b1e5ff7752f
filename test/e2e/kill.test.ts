import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { assertHolds, hashContents } from '../testing/backup-folder.ts'
import { phonekeep, startPhonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, type World } from '../testing/world.ts'

const KILLS = 20
const CHANGED_FILES = 60

/** Where in a run the process is killed: after so many files were read on the phone, or when the phone is done with its part. */
type Point = { readonly files: number } | 'at the end'

/** Starts a backup and kills it there. False when it was over before. */
async function backUpAndKill(world: World, point: Point): Promise<boolean> {
  const { child, finished } = startPhonekeep(['backup', '--json'], surroundings(world))
  const kill = () => child.kill('SIGKILL')
  let files = 0
  world.virtual.agent.afterRead = () => {
    files += 1
    if (point !== 'at the end' && files === point.files) kill()
  }
  const onEnd = ({ key }: { key: string }) => {
    if (point === 'at the end' && key === 'LastiTunesBackupDate') kill()
  }
  const stopListening = world.virtual.values.changes.add(onEnd)
  const { signal } = await finished
  stopListening()
  world.virtual.agent.afterRead = undefined
  return signal === 'SIGKILL'
}

async function snapshotIds(world: World): Promise<readonly string[]> {
  return (await readSnapshots(world)).filter(({ tags }) => !tags.includes('incomplete')).map(({ id }) => id)
}

async function readSnapshots(world: World): Promise<readonly { id: string; tags: readonly string[] }[]> {
  return JSON.parse(await restic(world.repositoryFolder, 'snapshots', '--json'))
}

test(`kill -9 at ${KILLS} points loses no snapshot, leaves a sound repository, and the next run uses what was stored`, async () => {
  await using world = await openWorld({ files: 1_500, bytes: 15_000_000 })
  const { contents } = world.virtual
  const random = seededRandom(20)
  let killed = 0

  for (let round = 0; round < KILLS; round++) {
    const before = await snapshotIds(world)
    const point: Point = round % 5 === 4 ? 'at the end' : { files: 1 + random.below(round < 8 ? 1_200 : CHANGED_FILES) }
    if (await backUpAndKill(world, point)) killed += 1
    await restic(world.repositoryFolder, 'check', '--no-lock')
    const after = await snapshotIds(world)
    assert.deepEqual(after.slice(0, before.length), before)
    assert.ok((await readSnapshots(world)).length - after.length <= 2, 'interrupted runs pile up')
    if (round >= 8) contents.change({ seed: round, rewrite: CHANGED_FILES })
  }
  assert.ok(killed > KILLS / 2, `only ${killed} runs were killed before they were over`)

  const { exitCode, out, err } = await phonekeep(['backup', '--json'], surroundings(world))
  assert.equal(exitCode, 0, err)
  const { snapshot, sentBytes } = JSON.parse(out)
  assert.ok(sentBytes < contents.totals.bytes / 2, `${sentBytes} bytes were sent again`)
  assert.deepEqual(
    await snapshotIds(world),
    (await readSnapshots(world)).map(({ id }) => id),
  )
  await restic(world.repositoryFolder, 'check', '--read-data')
  const target = join(world.folder, 'restored')
  await restic(world.repositoryFolder, 'restore', snapshot, '--target', target)
  await assertHolds(join(target, world.virtual.udid), await hashContents(contents))
})
