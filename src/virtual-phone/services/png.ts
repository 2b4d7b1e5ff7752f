import { crc32, deflateSync } from 'node:zlib'
import { concatBytes, utf8, viewOf } from '../../base/bytes.ts'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

/** A square PNG of one colour: 8 bits a channel, RGB, no interlace. Source: PNG specification, sections 5 and 11. */
export function encodePlainPng({
  pixels,
  rgb,
}: {
  pixels: number
  rgb: readonly [number, number, number]
}): Uint8Array {
  const header = new Uint8Array(13)
  viewOf(header).setUint32(0, pixels)
  viewOf(header).setUint32(4, pixels)
  header.set([8, 2, 0, 0, 0], 8)
  const row = Uint8Array.of(0, ...Array.from({ length: pixels }, () => rgb).flat())
  const rows = deflateSync(concatBytes(Array.from({ length: pixels }, () => row)))
  return concatBytes([SIGNATURE, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', new Uint8Array(0))])
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const typeAndData = concatBytes([utf8(type), data])
  const frame = new Uint8Array(4 + typeAndData.length + 4)
  viewOf(frame).setUint32(0, data.length)
  frame.set(typeAndData, 4)
  viewOf(frame).setUint32(frame.length - 4, crc32(typeAndData))
  return frame
}
