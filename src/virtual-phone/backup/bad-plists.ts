import { viewOf } from '../../base/bytes.ts'

const LEVELS = 30
const WIDTH = 10

/** A few hundred bytes that stand for 10^30 values: arrays that hold the next one ten times, the last an empty array. */
export function bombMessage(): Uint8Array {
  const arrays = Array.from({ length: LEVELS }, (_, level) => [
    0xa0 | WIDTH,
    ...new Array<number>(WIDTH).fill(level + 1),
  ])
  return binaryPlist([...arrays, [0xa0]].map((bytes) => Uint8Array.from(bytes)))
}

/** An XML list in a list in a list, 100,000 deep. */
export function deepMessage(): Uint8Array {
  const depth = 100_000
  return Buffer.from(
    `<?xml version="1.0"?><plist version="1.0">${'<array>'.repeat(depth)}${'</array>'.repeat(depth)}</plist>`,
  )
}

/** Objects with one-byte references, as they stand, with a two-byte offset table and the trailer. */
function binaryPlist(objects: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat([Buffer.from('bplist00'), ...objects])
  const tail = new Uint8Array(objects.length * 2 + 32)
  const view = viewOf(tail)
  let offset = 8
  for (const [index, object] of objects.entries()) {
    view.setUint16(index * 2, offset)
    offset += object.length
  }
  tail.set([2, 1], objects.length * 2 + 6)
  view.setUint32(objects.length * 2 + 12, objects.length)
  view.setUint32(objects.length * 2 + 28, body.length)
  return Buffer.concat([body, tail])
}
