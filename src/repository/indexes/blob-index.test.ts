import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { sha256 } from '../format/id.ts'
import { decodeHeader, encodeHeader } from '../packs/pack.ts'
import { BlobIndex, type PackedBlob } from './blob-index.ts'
import { decodeIndexFile, encodeIndexFile, type IndexedPack } from './index-file.ts'

const idOf = (text: string) => sha256(Buffer.from(text))

const length = fc.integer({ min: 32, max: 100_000 })
const packs = fc
  .uniqueArray(
    fc.record({
      id: fc.nat().map((n) => idOf(`pack ${n}`)),
      blobs: fc.array(
        fc.record({
          type: fc.constantFrom('data', 'tree'),
          id: fc.nat({ max: 50 }).map((n) => idOf(`blob ${n}`)),
          length,
          uncompressedLength: fc.nat(),
        }),
      ),
    }),
    { selector: (pack) => pack.id },
  )
  .map((list): readonly IndexedPack[] => list.map(({ id, blobs }) => ({ id, blobs: placed(blobs) })))

function placed(blobs: readonly Omit<PackedBlob, 'offset'>[]): readonly PackedBlob[] {
  let offset = 0
  return blobs.map((blob) => {
    const at = offset
    offset += blob.length
    return {
      type: blob.type,
      id: blob.id,
      offset: at,
      length: blob.length,
      uncompressedLength: blob.uncompressedLength,
    }
  })
}

test('the index finds exactly what was added, of the right type, the first copy first', () => {
  fc.assert(
    fc.property(packs, (list) => {
      const index = new BlobIndex()
      for (const { id, blobs } of list) index.addPack(id, blobs)
      const all = list.flatMap(({ id, blobs }) => blobs.map((blob) => ({ ...blob, packId: id })))
      assert.equal(index.blobCount, all.length)
      for (let n = 0; n <= 51; n++) {
        for (const type of ['data', 'tree'] as const) {
          const id = idOf(`blob ${n}`)
          const copies = all.filter((blob) => blob.id === id && blob.type === type)
          assert.deepEqual(index.findAll(type, id), copies)
          assert.deepEqual(index.find(type, id), copies[0])
          assert.equal(index.has(type, id), copies.length > 0)
        }
      }
    }),
  )
})

test('a hundred thousand blobs are all found again', () => {
  const index = new BlobIndex()
  const ids = Array.from({ length: 100_000 }, (_, n) => idOf(String(n)))
  const blobs = ids.map(
    (id, n): PackedBlob => ({ type: 'data', id, offset: n * 40, length: 40, uncompressedLength: n }),
  )
  index.addPack(idOf('pack'), blobs)
  for (const [n, id] of ids.entries()) assert.equal(index.find('data', id)?.uncompressedLength, n)
  assert.equal(index.find('data', idOf('another')), undefined)
})

test('a pack that is known already is not added again', () => {
  const index = new BlobIndex()
  const blobs: readonly PackedBlob[] = [{ type: 'tree', id: idOf('a'), offset: 0, length: 40, uncompressedLength: 1 }]
  index.addPack(idOf('pack'), blobs)
  index.addPack(idOf('pack'), blobs)
  assert.equal(index.blobCount, 1)
})

test('index files give back what was written', () => {
  fc.assert(fc.property(packs, (list) => assert.deepEqual(decodeIndexFile(encodeIndexFile(list), 'index').packs, list)))
})

test('pack headers give back what was written', () => {
  fc.assert(
    fc.property(packs, (list) => {
      for (const { blobs } of list) assert.deepEqual(decodeHeader(encodeHeader(blobs)), blobs)
    }),
  )
})

test('a header that is cut off, or of unknown kinds, is none', () => {
  const header = encodeHeader(placed([{ type: 'data', id: idOf('a'), length: 40, uncompressedLength: 7 }]))
  assert.equal(header.length, 41)
  for (let size = 1; size < header.length; size++) assert.equal(decodeHeader(header.subarray(0, size)), undefined)
  header[0] = 4
  assert.equal(decodeHeader(header), undefined)
})

const HOSTILE = [
  'null',
  '[]',
  '{"packs":1}',
  '{"packs":[null]}',
  '{"packs":[{"id":"../../etc/passwd","blobs":[]}]}',
  `{"packs":[{"id":"${idOf('p')}","blobs":[{"id":"${idOf('b')}","type":"data","offset":-1,"length":40}]}]}`,
  `{"packs":[{"id":"${idOf('p')}","blobs":[{"id":"${idOf('b')}","type":"data","offset":4294967295,"length":40}]}]}`,
  `{"packs":[{"id":"${idOf('p')}","blobs":[{"id":"${idOf('b')}","type":"data","offset":0,"length":31}]}]}`,
  `{"packs":[{"id":"${idOf('p')}","blobs":[{"id":"${idOf('b')}","type":"dir","offset":0,"length":40}]}]}`,
  '{"packs":',
]

for (const text of HOSTILE) {
  test(`the index file ${text.slice(0, 40)} … is refused`, () => {
    assert.throws(
      () => decodeIndexFile(text, 'index/x'),
      (error) => isAppError(error, 'repo.damaged'),
    )
  })
}

test('an index file with keys of other programs is read, and their lists of packs to delete are no packs', () => {
  const text = `{"supersedes":["x"],"packs_to_delete":[{"id":"${idOf('p')}","blobs":[]}],"packs":[]}`
  assert.deepEqual(decodeIndexFile(text, 'index'), { packs: [], packsToDelete: [idOf('p')] })
})
