import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256 } from '../format/id.ts'
import { BlobIndex, type BlobType, type PackedBlob } from './blob-index.ts'
import { BlobMarks } from './blob-marks.ts'

const idOf = (text: string) => sha256(Buffer.from(text))

function blob(type: BlobType, name: string): PackedBlob {
  return { type, id: idOf(name), offset: 0, length: 40, uncompressedLength: 8 }
}

test('a blob is marked once, its type counts, and all its copies share the mark', () => {
  const index = new BlobIndex()
  index.addPack(idOf('one'), [blob('data', 'a'), blob('tree', 'a'), blob('data', 'b')])
  index.addPack(idOf('two'), [blob('data', 'a'), blob('data', 'c')])
  const marks = new BlobMarks(index)
  assert.deepEqual([marks.mark('data', idOf('a')), marks.mark('data', idOf('a'))], ['first', 'again'])
  assert.equal(marks.mark('tree', idOf('b')), 'unknown')
  assert.equal(marks.has('data', idOf('a')), true)
  assert.equal(marks.has('tree', idOf('a')), false)
  assert.equal(marks.count, 1)
  const left = [...marks.unmarked()].map(({ type, id, packId }) => [type, id, packId])
  assert.deepEqual(left, [
    ['tree', idOf('a'), idOf('one')],
    ['data', idOf('b'), idOf('one')],
    ['data', idOf('c'), idOf('two')],
  ])
})

test('what is added to the index later is unknown to the marks', () => {
  const index = new BlobIndex()
  index.addPack(idOf('one'), [blob('data', 'a')])
  const marks = new BlobMarks(index)
  index.addPack(idOf('two'), [blob('data', 'b')])
  assert.equal(marks.mark('data', idOf('b')), 'unknown')
  assert.equal(marks.has('data', idOf('b')), false)
  assert.equal(marks.mark('data', idOf('a')), 'first')
})

test('marked and unmarked are together all that is there', () => {
  const numbers = fc.uniqueArray(fc.nat({ max: 200 }))
  fc.assert(
    fc.property(numbers, numbers, (stored, used) => {
      const index = new BlobIndex()
      index.addPack(
        idOf('pack'),
        stored.map((number) => blob('data', String(number))),
      )
      const marks = new BlobMarks(index)
      const first = used.filter((number) => marks.mark('data', idOf(String(number))) === 'first')
      assert.deepEqual(
        first,
        used.filter((number) => stored.includes(number)),
      )
      assert.equal(marks.count, first.length)
      const left = stored.filter((number) => !first.includes(number))
      assert.deepEqual(
        [...marks.unmarked()].map(({ id }) => id),
        left.map((number) => idOf(String(number))),
      )
    }),
  )
})
