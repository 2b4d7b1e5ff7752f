import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameMeter } from './frame-meter.ts'

function frame(size: number): Buffer {
  const bytes = Buffer.alloc(4 + size, 0xff)
  bytes.writeUInt32BE(size)
  return bytes
}

test('messages begin where they begin, however the bytes are cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 40 })), (sizes, cuts) => {
      const stream = Buffer.concat(sizes.map(frame))
      const starts = sizes.map((_, index) => sizes.slice(0, index).reduce((sum, size) => sum + 4 + size, 0))
      const meter = new FrameMeter()
      const found: number[] = []
      for (let at = 0, index = 0; at < stream.length; index++) {
        const piece = stream.subarray(at, at + (cuts[index % cuts.length] ?? 7))
        found.push(...meter.startsIn(piece).map((start) => at + start))
        at += piece.length
      }
      assert.deepEqual(found, starts)
    }),
  )
})
