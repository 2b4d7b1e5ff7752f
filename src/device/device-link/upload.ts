import assert from 'node:assert/strict'
import { fromUtf8, viewOf } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame } from '../../base/channel.ts'
import type { AppError } from '../../base/errors.ts'
import { deviceError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { BackupPath } from './backup-path.ts'
import { PATH_BYTES_MAX, parseBackupPath } from './backup-path.ts'

/** First byte of a frame that holds data; any other ends the file, being a negated DeviceLink status. */
const DATA = 0x0c
/** Largest block accepted; phones send at most 262,144 bytes. It is never held as a whole. */
const BLOCK_BYTES_MAX = 16 << 20
/** Largest piece handed on at once. */
const PIECE_BYTES_MAX = 256 << 10
/** Most of a failed file's explanation that is read. */
const TEXT_BYTES_MAX = 64 << 10

/** How a file of an upload ended; undefined before its last block. */
export type FileEnd =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unreadable'; readonly status: number; readonly text: string; readonly error: AppError }

/** A file arriving. Its blocks can be read once, and must be, to the end, before the next file can come. */
export interface UploadedFile {
  /** Where it lies on the phone; for showing only. */
  readonly devicePath: string
  readonly path: BackupPath
  /** Throws `device.file-unreadable` when the phone could not read the file to its end. */
  readonly blocks: AsyncIterable<Uint8Array>
  /** Filled in as the blocks are read. */
  readonly progress: { bytes: number; end: FileEnd | undefined }
}

/**
 * The files of one DLMessageUploadFiles, in the phone's order, up to the end marker; the status is the caller's to send.
 * Wire, in frames of u32 big-endian size: device path, backup path, blocks of code and data, ..., an empty frame. Any code
 * but 0x0c ends the file, and the text behind it is read whatever the code is. Source: docs/protocol/mobilebackup2.md.
 */
export async function* readUpload(
  channel: ByteChannel,
  udids: readonly string[],
  { signal }: WaitOptions,
): AsyncGenerator<UploadedFile> {
  for (;;) {
    const devicePath = await readName(channel, { signal })
    if (devicePath.length === 0) return
    const path = parseFilePath(await readName(channel, { signal }), udids)
    const progress: UploadedFile['progress'] = { bytes: 0, end: undefined }
    yield {
      devicePath: printable(fromUtf8(devicePath)),
      path,
      progress,
      blocks: readBlocks(channel, progress, { signal }),
    }
    assert(progress.end !== undefined, 'A file must be read to its end before the next one')
  }
}

async function* readBlocks(
  channel: ByteChannel,
  progress: UploadedFile['progress'],
  { signal }: WaitOptions,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { code, size } = await readBlockHead(channel, { signal })
    if (code !== DATA) {
      progress.end = await readEnd(channel, code, size, { signal })
      if (progress.end.kind === 'unreadable') throw progress.end.error
      return
    }
    for (let left = size; left > 0; ) {
      const piece = await readPiece(channel, left, { signal })
      left -= piece.length
      progress.bytes += piece.length
      yield piece
    }
  }
}

/** `size` counts what follows the code. */
async function readBlockHead(channel: ByteChannel, { signal }: WaitOptions): Promise<{ code: number; size: number }> {
  const head = await channel.readExactly(5, { signal })
  const size = viewOf(head).getUint32(0)
  if (size === 0 || size > BLOCK_BYTES_MAX) throw badFrame(`The phone announced a file block of ${size} bytes`)
  return { code: head[4]!, size: size - 1 }
}

async function readPiece(channel: ByteChannel, left: number, { signal }: WaitOptions): Promise<Uint8Array> {
  const piece = await channel.readSome(Math.min(left, PIECE_BYTES_MAX), { signal })
  return piece ?? (await channel.readExactly(left, { signal }))
}

async function readEnd(channel: ByteChannel, code: number, size: number, { signal }: WaitOptions): Promise<FileEnd> {
  if (size > TEXT_BYTES_MAX) throw badFrame(`The phone announced an explanation of ${size} bytes`)
  const text = printable(fromUtf8(await channel.readExactly(size, { signal })))
  if (code === 0) return { kind: 'whole' }
  const saw = `The phone could not read one of its files (status ${-code}${text === '' ? '' : `: ${text}`})`
  const error = deviceError('device.file-unreadable', saw, { remedy: 'Keep the phone unlocked for a while, try again' })
  return { kind: 'unreadable', status: -code, text, error }
}

async function readName(channel: ByteChannel, { signal }: WaitOptions): Promise<Uint8Array> {
  const size = viewOf(await channel.readExactly(4, { signal })).getUint32(0)
  if (size > PATH_BYTES_MAX) throw badFrame(`The phone announced a file name of ${size} bytes`)
  return channel.readExactly(size, { signal })
}

/** A file lies in a folder: the phone's own folder cannot be one. */
function parseFilePath(name: Uint8Array, udids: readonly string[]): BackupPath {
  const path = parseBackupPath(strictUtf8(name), udids)
  if (path.length < 2) throw badFrame('The phone sent a file in place of its backup folder')
  return path
}

function strictUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw badFrame('The phone named a file in something other than UTF-8', cause)
  }
}
