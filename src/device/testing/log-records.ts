import { utf8 } from '../../base/bytes.ts'

/** What a record of os_trace_relay is made of, for tests; the sizes are those of the texts unless they are to lie. */
export interface TraceRecord {
  readonly pid: number
  readonly seconds: number
  readonly microseconds: number
  readonly level: number
  readonly executable: string
  readonly image: string
  readonly message: string
  readonly subsystem: string
  readonly category: string
  readonly sizes?: { readonly [Text in 'image' | 'message' | 'subsystem' | 'category']?: number }
}

/** Written apart from the code under test, from docs/protocol/small-services.md#os-trace-relay: texts have their NUL counted. */
export function encodeTraceRecord(record: TraceRecord): Uint8Array {
  const fixed = Buffer.alloc(129, 0xee)
  const withNul = (text: string) => (text === '' ? Buffer.alloc(0) : Buffer.from(`${text}\0`))
  const sizeOf = (text: 'image' | 'message' | 'subsystem' | 'category') =>
    record.sizes?.[text] ?? withNul(record[text]).length
  fixed.writeUInt32LE(record.pid, 9)
  fixed.writeUInt32LE(record.seconds, 55)
  fixed.writeUInt32LE(record.microseconds, 63)
  fixed.writeUInt8(record.level, 68)
  fixed.writeUInt16LE(sizeOf('image'), 107)
  fixed.writeUInt16LE(sizeOf('message'), 109)
  fixed.writeUInt32LE(sizeOf('subsystem'), 117)
  fixed.writeUInt32LE(sizeOf('category'), 121)
  const texts = [record.image, record.message, record.subsystem, record.category].map(withNul)
  return Buffer.concat([fixed, Buffer.from(`${record.executable}\0`), ...texts])
}

/** The kind, the size as u32 little-endian, and the body: how os_trace_relay frames records and archives. */
export function traceFrame(kind: number, body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5)
  head.writeUInt8(kind)
  head.writeUInt32LE(body.length, 1)
  return Buffer.concat([head, body])
}

/** All but printable ASCII, as vis(3) of BSD writes it. */
export function encodeVis(text: string): string {
  return Array.from(utf8(text), (byte) => {
    const low = byte & 0x7f
    if (byte === 0x5c) return '\\134'
    if (low < 0x20 || low === 0x7f) return `\\${byte < 0x80 ? '' : 'M'}^${String.fromCharCode(low ^ 0x40)}`
    return byte < 0x80 ? String.fromCharCode(byte) : `\\M-${String.fromCharCode(low)}`
  }).join('')
}
