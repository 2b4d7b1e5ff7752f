import assert from 'node:assert/strict'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { openWorld } from '../testing/world.ts'

const world = await openWorld({ files: 100, bytes: 40_000_000 })
after(() => world[Symbol.asyncDispose]())
const env = surroundings(world)

/** Flips a bit in the middle of the largest pack. */
async function damageLargestPack(): Promise<string> {
  const data = join(world.repositoryFolder, 'data')
  const files = (await readdir(data, { recursive: true })).filter((name) => /[0-9a-f]{64}$/.test(name))
  const sized = await Promise.all(
    files.map(async (name) => ({ path: join(data, name), size: (await stat(join(data, name))).size })),
  )
  const { path } = sized.toSorted((left, right) => right.size - left.size)[0]!
  const bytes = await readFile(path)
  bytes[bytes.length >>> 1]! ^= 1
  await chmod(path, 0o600)
  await writeFile(path, bytes)
  return path.slice(-64)
}

test('a backup reads a sample back, of the size that it is told, and says what it found', async () => {
  const none = await phonekeep(['backup', '--read-back', '0', '--json'], env)
  assert.equal(none.exitCode, 0, none.err)
  assert.equal(JSON.parse(none.out).readBack, undefined)
  world.virtual.contents.change({ seed: 2, add: 5 })
  const { exitCode, out, err } = await phonekeep(['backup', '--read-back', '1', '--json'], env)
  assert.equal(exitCode, 0, err)
  const { readBack } = JSON.parse(out)
  assert.deepEqual([readBack.packs, readBack.damaged], [2, []], 'a new pack and an old one')
  world.virtual.contents.change({ seed: 3, add: 5 })
  const shown = await phonekeep(['backup', '--read-back', '1'], env)
  assert.match(shown.out, /read back {8}2 packs, .*: sound/)
})

test('what does not read back ends in an error, which names the pack and what to do; the snapshot is no success', async () => {
  const id = await damageLargestPack()
  world.virtual.contents.change({ seed: 4, add: 5 })
  const { exitCode, out, err } = await phonekeep(['backup', '--read-back', '1GiB', '--json'], env)
  assert.equal(exitCode, 1, err)
  assert.match(err, /may not be whole.*\n.*check --read-data.*repair.*\[run\.not-as-stored\]/)
  const { readBack } = JSON.parse(out)
  assert.deepEqual(
    readBack.damaged.map((sample: { id: string; isNew: boolean }) => [sample.id, sample.isNew]),
    [[id, false]],
  )
  world.virtual.contents.change({ seed: 5, add: 5 })
  const shown = await phonekeep(['backup', '--read-back', '1GiB'], env)
  assert.equal(shown.exitCode, 1)
  assert.match(shown.out, /NOT ALL OF IT READS BACK[\s\S]*DAMAGED: pack/)
  assert.doesNotMatch(shown.out, /is backed up/)
})
