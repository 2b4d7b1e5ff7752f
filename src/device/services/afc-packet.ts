import assert from 'node:assert/strict'
import { concatBytes, utf8, viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'

/** Operations of AFC, the phone's media folder service. Source: docs/protocol/small-services.md. */
export const AFC = {
  status: 0x01,
  data: 0x02,
  readDir: 0x03,
  truncate: 0x07,
  removePath: 0x08,
  makeDir: 0x09,
  fileInfo: 0x0a,
  deviceInfo: 0x0b,
  open: 0x0d,
  opened: 0x0e,
  read: 0x0f,
  write: 0x10,
  close: 0x14,
  rename: 0x18,
  lock: 0x1b,
  makeLink: 0x1c,
  removeAll: 0x22,
} as const

const HEADER_BYTES = 40
const MAGIC = utf8('CFA6LPAA')
/** Largest answer accepted: a listing of a full photo folder, or one read. */
const AFC_BYTES_MAX = 8 << 20

export interface AfcPacket {
  /** Repeated by the answer. */
  readonly number: number
  readonly operation: number
  /** Arguments, or in an answer the status or handle. */
  readonly fixed: Uint8Array
  readonly payload: Uint8Array
}

/**
 * `CFA6LPAA`, then little-endian u64: whole length, length of header and fixed part, packet number, operation; then the fixed
 * part and the payload.
 */
export function encodeAfcPacket({ number, operation, fixed, payload }: AfcPacket): readonly Uint8Array[] {
  const header = new Uint8Array(HEADER_BYTES)
  header.set(MAGIC)
  const view = viewOf(header)
  view.setBigUint64(8, BigInt(HEADER_BYTES + fixed.length + payload.length), true)
  view.setBigUint64(16, BigInt(HEADER_BYTES + fixed.length), true)
  view.setBigUint64(24, BigInt(number), true)
  view.setBigUint64(32, BigInt(operation), true)
  return [concatBytes([header, fixed]), payload]
}

/** Reads one packet. Lengths that cannot be are `wire.bad-frame`. */
export async function readAfcPacket(channel: ByteChannel, { signal }: WaitOptions): Promise<AfcPacket> {
  const header = await channel.readExactly(HEADER_BYTES, { signal })
  if (Buffer.compare(header.subarray(0, 8), MAGIC) !== 0) throw badFrame('The phone sent no AFC packet')
  const view = viewOf(header)
  const [whole, withFixed] = [view.getBigUint64(8, true), view.getBigUint64(16, true)]
  if (withFixed < HEADER_BYTES || whole < withFixed || whole > HEADER_BYTES + AFC_BYTES_MAX) {
    throw badFrame(`The phone announced an AFC packet of ${whole} bytes with ${withFixed} of header`)
  }
  const fixed = await channel.readExactly(Number(withFixed) - HEADER_BYTES, { signal })
  const payload = await channel.readExactly(Number(whole - withFixed), { signal })
  const [number, operation] = [Number(view.getBigUint64(24, true)), Number(view.getBigUint64(32, true))]
  return { number, operation, fixed, payload }
}

/** Unsigned 64-bit numbers, little-endian, one after another. */
export function u64s(...values: readonly (number | bigint)[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 8)
  for (const [index, value] of values.entries()) viewOf(bytes).setBigUint64(index * 8, BigInt(value), true)
  return bytes
}

/** AFC texts end with a NUL; libimobiledevice sends them so, and every phone takes it. No name can hold one. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  assert(!text.includes('\0'), 'A path of the phone cannot hold a NUL')
  return utf8(`${text}\0`)
}
