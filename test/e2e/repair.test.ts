import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { checkRepository, type Id, isTreeWhole, openTree, parseId, type Snapshot } from '../../src/repository/index.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, recorder, type World } from '../testing/world.ts'

const signal = NEVER

/** The repository with its index, opened anew. */
async function opened(world: World) {
  const repository = await world.repository()
  await repository.loadIndex({ signal })
  return repository
}

/** Where a blob lies on the disk. */
async function findBlob(world: World, type: 'data' | 'tree', id: Id) {
  const location = (await opened(world)).index.find(type, id)
  assert.ok(location !== undefined)
  const { packId, offset } = location
  return { packId, offset, file: join(world.repositoryFolder, 'data', packId.slice(0, 2), packId) }
}

async function flipByte(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[at]! ^= 1
  await chmod(file, 0o600)
  await writeFile(file, bytes)
}

/** A file that the phone has sent and that is one blob. */
async function somePayload(world: World, { tree }: Snapshot): Promise<{ readonly path: string; readonly blob: Id }> {
  const reader = openTree(await opened(world), tree)
  for await (const folder of reader.list([world.virtual.udid], { signal })) {
    for await (const { name, sizeBytes } of reader.list([world.virtual.udid, folder.name], { signal })) {
      const path = [world.virtual.udid, folder.name, name]
      if (sizeBytes === 0 || sizeBytes > 400_000) continue
      const bytes = Buffer.concat(await Array.fromAsync(reader.readFile(path, { signal })))
      const blob = parseId(createHash('sha256').update(bytes).digest('hex'))
      if (blob !== undefined) return { path: `/${path.join('/')}`, blob }
    }
  }
  throw new Error('The phone has no such file')
}

async function assertWhole(world: World, ...snapshots: readonly Snapshot[]): Promise<void> {
  const repository = await opened(world)
  for (const { tree } of snapshots) assert.equal(await isTreeWhole(repository, tree, { signal }), true)
  const { hurt } = await checkRepository(repository, { readData: true, signal })
  for (const { id } of snapshots) assert.ok(!hurt.some((each) => each.id === id))
}

test('the newest snapshot has lost its folders: the next backup says so, builds on the one before it, and is whole', async () => {
  await using world = await openWorld()
  const first = await world.backUp()
  world.virtual.contents.change({ add: 2, rewrite: 2, move: 0, remove: 1, seed: 7 })
  const second = await world.backUp()
  await rm((await findBlob(world, 'tree', second.snapshot.tree)).file)
  const { events, onEvent } = recorder()
  const third = await world.backUp({ onEvent })
  assert.equal(third.snapshot.parent, first.snapshot.id)
  assert.ok(
    events.some((event) => event.kind === 'snapshot-damaged' && event.error.message.includes('has lost a part')),
  )
  await assertWhole(world, first.snapshot, third.snapshot)
})

test('the list of files in the newest snapshot is damaged: the next backup does not fail over it', async () => {
  await using world = await openWorld()
  const first = await world.backUp()
  const reader = openTree(await opened(world), first.snapshot.tree)
  const [database] = await Array.fromAsync(reader.readFile([world.virtual.udid, 'Manifest.db'], { signal }))
  const blob = parseId(createHash('sha256').update(database!).digest('hex'))
  const { file, offset } = await findBlob(world, 'data', blob!)
  await flipByte(file, offset + 20)
  const second = await world.backUp()
  assert.equal(second.snapshot.parent, undefined)
  await assertWhole(world, first.snapshot, second.snapshot)
})

test('check names what is hurt, repair saves the rest, and the next backup heals what the phone still has', async () => {
  await using world = await openWorld()
  const env = surroundings(world)
  const first = await world.backUp()
  const { path, blob } = await somePayload(world, first.snapshot)
  const { file, offset, packId } = await findBlob(world, 'data', blob)
  await flipByte(file, offset + 20)

  assert.equal((await phonekeep(['check'], env)).exitCode, 0)
  const checked = await phonekeep(['check', '--read-data'], env)
  assert.equal(checked.exitCode, 1)
  assert.match(checked.out, new RegExp(`HURT: snapshot ${first.snapshot.id.slice(0, 8)}.*: 1 file\n  ${path}: data/`))
  assert.match(checked.out, new RegExp(`repair packs ${packId.slice(0, 8)}`))
  const lines = (await phonekeep(['check', '--read-data', '--json', '--no-lock'], env)).out.trim().split('\n')
  const told = lines.map((line) => JSON.parse(line))
  assert.deepEqual(
    told.map((each) => each.message_type),
    ['finding', 'hurt', 'summary'],
  )
  assert.equal(told[1].path, path)

  const planned = await phonekeep(['repair', 'packs', packId.slice(0, 8), '--dry-run'], env)
  assert.match(planned.out, /1 of \d+ blobs cannot be read/)
  assert.equal((await phonekeep(['repair', 'packs', packId.slice(0, 8)], env)).exitCode, 0)
  assert.match((await phonekeep(['repair', 'snapshots', '--dry-run'], env)).out, new RegExp(`${path}: blob ${blob}`))
  assert.match((await phonekeep(['repair', 'index'], env)).out, /The index fits the packs/)

  const second = await world.backUp()
  assert.equal(second.snapshot.parent, undefined)
  await assertWhole(world, first.snapshot, second.snapshot)
  assert.equal((await phonekeep(['check', '--read-data'], env)).exitCode, 0)
  await restic(world.repositoryFolder, 'check', '--read-data')
})

test('a snapshot without a file that is lost for good is repaired by hand, and no backup builds on it', async () => {
  await using world = await openWorld()
  const env = surroundings(world)
  const first = await world.backUp()
  const { path, blob } = await somePayload(world, first.snapshot)
  const { file, offset } = await findBlob(world, 'data', blob)
  await flipByte(file, offset + 20)
  assert.equal((await phonekeep(['repair', 'packs'], env)).exitCode, 0)
  const repaired = await phonekeep(['repair', 'snapshots', '--forget', '--json'], env)
  assert.equal(repaired.exitCode, 0, repaired.err)
  const [leftOut, summary] = repaired.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(leftOut.path, path)
  assert.deepEqual(summary.removed, [first.snapshot.id])
  assert.ok(summary.made[0].tags.includes('repaired'))
  assert.equal((await phonekeep(['check', '--read-data'], env)).exitCode, 0)
  await restic(world.repositoryFolder, 'check', '--read-data')
  const second = await world.backUp()
  assert.equal(second.snapshot.parent, undefined)
  await assertWhole(world, second.snapshot)
})

test('words that make no sense are refused before anything is opened', async () => {
  await using world = await openWorld({ files: 1, bytes: 1000 })
  const env = surroundings(world)
  for (const args of [
    ['--read-data-subset', '3/2'],
    ['--read-data-subset', '0/2'],
    ['--read-data-subset', '101%'],
    ['--read-data-subset', 'much'],
    ['--read-data-oldest', '5 weeks'],
    ['--read-data', '--read-data-subset', '1/2'],
  ]) {
    assert.equal((await phonekeep(['check', ...args], env)).exitCode, 2, args.join(' '))
  }
  assert.equal((await phonekeep(['check', '--read-data-oldest', '30min'], env)).exitCode, 0)
  assert.equal((await phonekeep(['repair', 'packs', 'ffffffffffff'], env)).exitCode, 2)
})
