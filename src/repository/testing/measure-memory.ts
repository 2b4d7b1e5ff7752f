import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type Id, sha256 } from '../format/id.ts'
import { BlobIndex, type PackedBlob } from '../indexes/blob-index.ts'
import { type CowTree, openTree } from '../trees/cow-tree.ts'
import { openWriter } from '../write/writer.ts'
import { clock, newRepository, signal } from './restic.ts'

// Prints, as JSON, the bytes of memory that a blob of an index takes, and a file of a tree that a phone changes. The names are
// those of a phone's backup. To be run with --expose-gc. Argument: an empty folder.

const BLOBS = 65_000
const FILES = 40_000

const [folder = ''] = process.argv.slice(2)
const names = Array.from({ length: FILES }, (_, n) => createHash('sha1').update(String(n)).digest('hex'))
const repository = await newRepository(folder)
await using writer = openWriter(repository, { clock, signal })

const index = new BlobIndex()
const blob = (await growthOf(async () => fill(index))) / BLOBS
// A first backup: every file is put into `Snapshot`, and moved out of it after a checkpoint.
const fresh = openTree(writer, undefined, { cacheBytes: 0 })
const received = (await growthOf(() => receiveAll(fresh))) / FILES
const checkpoint = await stored(fresh)
const moved = received + (await growthOf(() => moveAll(fresh))) / FILES
// The same, interrupted before the moves; twice, since the first time also gives things back that no tree holds.
const resumptions = [openTree(writer, checkpoint, { cacheBytes: 0 }), openTree(writer, checkpoint, { cacheBytes: 0 })]
let resumed = 0
for (const tree of resumptions) resumed = (await growthOf(() => moveAll(tree))) / FILES
for (const tree of resumptions) assert.equal(await stored(tree), await stored(fresh))
assert.equal(index.blobCount, BLOBS)
process.stdout.write(JSON.stringify({ blob, received, moved, resumed }))

function fill(index: BlobIndex): void {
  for (let pack = 0; pack < BLOBS / 1000; pack++) index.addPack(sha256(Buffer.from(`pack ${pack}`)), blobsOf(pack))
}

function blobsOf(pack: number): readonly PackedBlob[] {
  return Array.from({ length: 1000 }, (_, n) => {
    const id = sha256(Buffer.from(`${pack} ${n}`))
    return { type: 'data', id, offset: n * 40, length: 40, uncompressedLength: 8 }
  })
}

async function receiveAll(tree: CowTree): Promise<void> {
  for (const name of names) {
    const file = { content: [sha256(Buffer.from(name))], sizeBytes: 1000, modifiedMs: clock.nowMs() }
    await tree.putFile(['udid', 'Snapshot', name.slice(0, 2), name], file, { signal })
  }
}

async function moveAll(tree: CowTree): Promise<void> {
  for (const name of names) {
    const prefix = name.slice(0, 2)
    await tree.move(['udid', 'Snapshot', prefix, name], ['udid', prefix, name], { signal })
  }
}

async function stored(tree: CowTree): Promise<Id> {
  const root = await tree.commit({ signal })
  await writer.flush({ signal })
  return root
}

async function growthOf(work: () => Promise<void>): Promise<number> {
  const before = await used()
  await work()
  return (await used()) - before
}

/** Buffers are given back a little after they were found to be unused. */
async function used(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    assert.ok(globalThis.gc)
    globalThis.gc()
    await setImmediate()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
