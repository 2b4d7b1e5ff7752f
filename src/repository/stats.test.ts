import assert from 'node:assert/strict'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256 } from './format/id.ts'
import { listSnapshots } from './snapshots/snapshot.ts'
import { countHosts, countStats, STATS_MODES, type StatsMode } from './stats.ts'
import { seededBytes } from './testing/bytes.ts'
import { backUp, memoryRepository } from './testing/repositories.ts'
import { newRepository, reopened, restic, signal, temporaryFolder } from './testing/restic.ts'

/** What restic counts, by our names. */
async function askRestic(folder: string, mode: StatsMode, ids: readonly string[] = []) {
  const printed = await restic(folder, ['stats', '--json', '--mode', mode, ...ids])
  const { total_size, total_file_count, total_blob_count } = JSON.parse(printed)
  return { bytes: total_size, files: total_file_count, blobs: total_blob_count ?? 0 }
}

test('we count as restic does, what restic and we wrote', async () => {
  await using folder = await temporaryFolder()
  await using source = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const same = seededBytes(1, 700_000)
  const first = await backUp(repository, {
    'u/a/x': same,
    'u/b/x': same,
    'u/c': seededBytes(2, 10),
    'u/empty': Buffer.alloc(0),
  })
  await backUp(repository, { 'u/a/x': seededBytes(3, 600_000), 'u/d/c': seededBytes(2, 10) }, first.tree)
  await mkdir(join(source.path, 'folder'))
  await writeFile(join(source.path, 'folder', 'x'), same)
  await writeFile(join(source.path, 'other'), seededBytes(4, 5000))
  await link(join(source.path, 'other'), join(source.path, 'linked'))
  await restic(folder.path, ['backup', source.path])
  const both = await reopened(folder.path)
  const snapshots = await listSnapshots(both, { signal })
  for (const mode of STATS_MODES) {
    // restic takes snapshots in no order, and what it counts as blobs per file depends on it.
    for (const chosen of mode === 'blobs-per-file' ? snapshots.map((snapshot) => [snapshot]) : [snapshots]) {
      const ids = chosen.map(({ id }) => id)
      assert.deepEqual(await countStats(both, chosen, { mode, signal }), await askRestic(folder.path, mode, ids), mode)
    }
  }
})

test('a folder that many snapshots share is read once, and counted for each', async () => {
  const { repository } = await memoryRepository()
  const files = { 'u/a/x': seededBytes(1, 1000), 'u/b/x': seededBytes(1, 1000) }
  const first = await backUp(repository, files)
  const second = await backUp(repository, { ...files, 'u/c': seededBytes(2, 10) })
  let read = 0
  const count = (mode: StatsMode) => {
    read = 0
    return countStats(repository, [first, first, second], { mode, signal, onTree: () => read++ })
  }
  const trees = new Set([first.tree, second.tree]).size
  assert.deepEqual(await count('restore-size'), { files: 5 + 5 + 6, bytes: 6010, blobs: 0 })
  assert.equal(read, trees + 3)
  // All folders are one file without content, as with restic.
  assert.deepEqual(await count('files-by-contents'), { files: 3, bytes: 1010, blobs: 0 })
  assert.equal(read, trees + 3)
})

test('each host is told what it alone needs, and what it shares', async () => {
  const { repository } = await memoryRepository()
  const shared = { 'u/shared': seededBytes(1, 1000) }
  const own = (await backUp(repository, { ...shared, 'u/own': seededBytes(2, 3000) }, undefined)).tree
  const both = (await backUp(repository, shared)).tree
  const at = { time: '2026-01-02T03:04:05Z', paths: ['/u'], id: own }
  const snapshots = [
    { ...at, hostname: 'iphone', tree: own },
    { ...at, hostname: 'ipad', tree: both },
    { ...at, hostname: 'ipad', tree: both },
  ]
  const [iphone, ipad] = await countHosts(repository, snapshots, { signal })
  const bytesOf = (seed: number, size: number) => repository.index.find('data', sha256(seededBytes(seed, size)))!.length
  assert.deepEqual([iphone?.host, iphone?.snapshots, iphone?.aloneBlobs, iphone?.sharedBlobs], ['iphone', 1, 3, 1])
  assert.deepEqual([ipad?.host, ipad?.snapshots, ipad?.aloneBlobs, ipad?.sharedBlobs], ['ipad', 2, 2, 1])
  assert.equal(iphone?.sharedBytes, bytesOf(1, 1000))
  assert.equal(ipad?.sharedBytes, bytesOf(1, 1000))
  assert.ok(iphone!.aloneBytes > bytesOf(2, 3000))
})
