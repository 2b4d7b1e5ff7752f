import { concatBytes, utf8 } from '../../base/bytes.ts'

const BLOCK_BYTES = 512

export interface TarFile {
  /** ASCII, at most 99 characters. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** An archive of plain files in the ustar format. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export function encodeTar(files: readonly TarFile[], { nowMs }: { nowMs: number }): Uint8Array {
  const end = new Uint8Array(2 * BLOCK_BYTES)
  return concatBytes([...files.flatMap((file) => [header(file, nowMs), file.bytes, padding(file.bytes.length)]), end])
}

function header({ name, bytes }: TarFile, nowMs: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  const put = (text: string, offset: number) => block.set(utf8(text), offset)
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0')
  put(name, 0)
  put(octal(0o644, 7), 100)
  put(octal(0, 7), 108)
  put(octal(0, 7), 116)
  put(octal(bytes.length, 11), 124)
  put(octal(Math.floor(nowMs / 1000), 11), 136)
  put(' '.repeat(8), 148)
  put('0', 156)
  put('ustar\0', 257)
  put('00', 263)
  const checksum = block.reduce((sum, byte) => sum + byte, 0)
  put(`${octal(checksum, 6)}\0 `, 148)
  return block
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES)
}
