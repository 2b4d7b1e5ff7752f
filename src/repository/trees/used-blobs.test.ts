import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import { BlobMarks } from '../indexes/blob-marks.ts'
import { seededBytes } from '../testing/bytes.ts'
import { backUp, memoryRepository } from '../testing/repositories.ts'
import { clock, signal } from '../testing/restic.ts'
import { openWriter } from '../write/writer.ts'
import { markUsedBlobs } from './used-blobs.ts'

test('trees and blobs of a snapshot are marked, and nothing else; shared trees are read once', async () => {
  const { repository } = await memoryRepository()
  const first = await backUp(repository, { 'u/a': seededBytes(1, 100), 'u/b/c': seededBytes(2, 100) })
  const second = await backUp(repository, { 'u/a': seededBytes(3, 100) }, first.tree)
  const marks = new BlobMarks(repository.index)
  let trees = 0
  const options = { signal, onTree: () => void trees++ }
  await markUsedBlobs(repository, marks, [second.tree, second.tree], options)
  assert.deepEqual([marks.count, trees], [5, 3])
  assert.equal(marks.has('data', sha256(seededBytes(1, 100))), false)
  await markUsedBlobs(repository, marks, [first.tree], options)
  assert.deepEqual([marks.count, trees], [8, 5])
})

/** Marks from a tree with this text. */
async function markTree(text: string): Promise<number> {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal })
  const known = await writer.saveBlob('data', utf8('known'))
  const tree = await writer.saveBlob('tree', utf8(text.replaceAll('KNOWN', known)))
  await writer.flush({ signal })
  const marks = new BlobMarks(repository.index)
  await markUsedBlobs(repository, marks, [tree], { signal })
  return marks.count
}

test('whoever wrote a tree, and however it is laid out, everything in it counts', async () => {
  assert.equal(await markTree('{"nodes":null}'), 1)
  assert.equal(await markTree('{"nodes":[]}\n'), 1)
  assert.equal(await markTree('{ "nodes" : [ { "name" : "a", "content" : [ "KNOWN" ], "type" : "irregular" } ] }'), 2)
  assert.equal(
    await markTree('{"extra":1,"nodes":[{"type":"file","content":["KNOWN","KNOWN"],"name":"a","new":{}}]}'),
    2,
  )
})

test('a tree that leaves any doubt about what it needs is damage', async () => {
  const unknown = 'f'.repeat(64) as Id
  const texts = [
    '[]',
    '{}',
    '{"nodes":{}}',
    '{"nodes":[1]}',
    '{"nodes":[null]}',
    '{"nodes":[{"content":"KNOWN"}]}',
    '{"nodes":[{"content":["short"]}]}',
    '{"nodes":[{"content":[7]}]}',
    '{"nodes":[{"subtree":""}]}',
    `{"nodes":[{"content":["${unknown}"]}]}`,
    `{"nodes":[{"subtree":"${unknown}"}]}`,
    '{"nodes":[{"subtree":"KNOWN"}]}',
  ]
  for (const text of texts) {
    await assert.rejects(markTree(text), (error) => isAppError(error, 'repo.damaged'), text)
  }
})
