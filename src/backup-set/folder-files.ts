import { constants } from 'node:fs'
import { lstat, open, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import type { BackupFile, BackupFiles } from './backup-files.ts'
import { damaged } from './errors.ts'

/**
 * The files of a backup in a folder of this machine. Nothing outside of the folder is read: names are checked and links
 * below it are refused, with `backup-set.damaged`. Throws what the system says about files that cannot be read.
 */
export function folderFiles(folder: string): BackupFiles {
  return {
    async open(path, { signal }) {
      signal.throwIfAborted()
      return await openPlainFile(folder, checkedPath(path), signal)
    },
  }
}

function checkedPath(path: string): string {
  const isPlain = path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
  if (!isPlain || /[\0\\]/.test(path)) throw damaged(`${JSON.stringify(path)} is no name of a file in a backup`)
  return path
}

async function openPlainFile(folder: string, path: string, signal: AbortSignal): Promise<BackupFile | undefined> {
  try {
    const place = join(await realpath(folder), path)
    const info = await lstat(place)
    if (!info.isFile() || (await realpath(place)) !== place) throw damaged(`${path} in the backup is no plain file`)
    return { bytes: info.size, content: piecesOf(place, signal) }
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return undefined
    throw error
  }
}

const PIECE_BYTES = 256 * 1024

async function* piecesOf(place: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await using file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW)
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}
