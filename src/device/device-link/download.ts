import { utf8 } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Plist } from '../../plist/index.ts'
import { encodeFrameHead } from '../plist-frame.ts'
import type { NamedPath } from './backup-path.ts'
import { NOT_FOUND, STATUS, statusMessage } from './message.ts'

/** Data in one frame. Phones hold a frame whole, and larger ones have killed their backup agent. */
export const SENT_BLOCK_BYTES = 32_768
/** Frames handed to the channel at once, so that a big file does not go out one small write after another. */
const FRAMES_AT_ONCE = 8

export type OpenFile = (path: NamedPath) => Promise<AsyncIterable<Uint8Array> | undefined>

/**
 * Answers DLMessageDownloadFiles: every path with its blocks, the end marker, and the status to send after it. A missing file
 * is a code 6 in the stream and an entry in the status, which phones expect for a first backup's Status.plist.
 * Source: docs/protocol/mobilebackup2.md.
 */
export async function sendFiles(
  channel: ByteChannel,
  paths: readonly NamedPath[],
  { open, onSent, signal }: WaitOptions & { open: OpenFile; onSent: (path: NamedPath, bytes: number) => void },
): Promise<readonly Plist[]> {
  const missing: NamedPath[] = []
  for (const path of paths) {
    const content = await open(path)
    await channel.write(frame(utf8(path.text)), { signal })
    if (content === undefined) {
      missing.push(path)
      await channel.write(frame(Uint8Array.of(-STATUS.notFound), utf8(NOT_FOUND)), { signal })
    } else {
      onSent(path, await sendContent(channel, content, { signal }))
      await channel.write(frame(Uint8Array.of(0)), { signal })
    }
  }
  await channel.write(encodeFrameHead(0), { signal })
  return statusForMissing(missing)
}

/** Success, or one entry for each path that was not there, under the name the phone gave it. */
export function statusForMissing(missing: readonly NamedPath[]): readonly Plist[] {
  if (missing.length === 0) return statusMessage(STATUS.ok)
  const entry = { DLFileErrorString: NOT_FOUND, DLFileErrorCode: STATUS.notFound }
  return statusMessage(STATUS.several, 'Multi status', Object.fromEntries(missing.map(({ text }) => [text, entry])))
}

async function sendContent(
  channel: ByteChannel,
  content: AsyncIterable<Uint8Array>,
  { signal }: WaitOptions,
): Promise<number> {
  let sent = 0
  for await (const piece of content) {
    for (let at = 0; at < piece.length; at += SENT_BLOCK_BYTES * FRAMES_AT_ONCE) {
      await channel.write(blocksOf(piece.subarray(at, at + SENT_BLOCK_BYTES * FRAMES_AT_ONCE)), { signal })
    }
    sent += piece.length
  }
  return sent
}

function blocksOf(bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += SENT_BLOCK_BYTES) {
    pieces.push(...frame(Uint8Array.of(0x0c), bytes.subarray(at, at + SENT_BLOCK_BYTES)))
  }
  return pieces
}

function frame(...parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  return [encodeFrameHead(size), ...parts]
}
