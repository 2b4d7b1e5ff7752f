import { concatBytes, utf8, viewOf } from '../../base/bytes.ts'
import { executableOf, type LogLevel, type LogLine } from './log-line.ts'

const FIXED_BYTES = 129

/** Above it a line is cut: the record counts its text in 16 bits. */
const TEXT_BYTES_MAX = 0xfffe

/**
 * One line as os_trace_relay sends it, little-endian: pid at 9, seconds and microseconds at 55 and 63, level at 68, the sizes of
 * the texts from 107 on, the texts themselves from 129 on, each ended by NUL and counted with it.
 * Source: docs/protocol/small-services.md#os-trace-relay
 */
export function encodeTraceRecord(line: LogLine): Uint8Array {
  const image = cText(line.process)
  const message = cText(line.text)
  const subsystem = cText(line.subsystem)
  const category = cText(line.category)
  const fixed = new Uint8Array(FIXED_BYTES)
  const view = viewOf(fixed)
  view.setUint32(9, line.pid, true)
  view.setBigUint64(13, BigInt(line.pid), true)
  view.setUint32(55, Math.floor(line.atMs / 1000), true)
  view.setUint32(63, Math.floor((line.atMs % 1000) * 1000), true)
  view.setUint8(68, LEVEL_NUMBERS[line.level])
  view.setBigUint64(73, BigInt(Math.floor(line.atMs)) * 24_000n, true)
  view.setUint16(107, image.length, true)
  view.setUint16(109, message.length, true)
  view.setUint32(117, subsystem.length, true)
  view.setUint32(121, category.length, true)
  return concatBytes([fixed, cText(executableOf(line.process)), image, message, subsystem, category])
}

const LEVEL_NUMBERS: { readonly [Level in LogLevel]: number } = { notice: 0, info: 1, debug: 2, error: 16, fault: 17 }

/** Nothing for an empty text; else its bytes and a NUL, which the text itself cannot hold. */
function cText(text: string): Uint8Array {
  if (text === '') return new Uint8Array(0)
  return concatBytes([utf8(text.replaceAll('\0', ' ')).subarray(0, TEXT_BYTES_MAX), Uint8Array.of(0)])
}
