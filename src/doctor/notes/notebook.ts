import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../base/errors.ts'
import { replaceFile } from '../../base/replace-file.ts'
import { parseUdid } from '../../device/index.ts'
import { NO_NOTES, type PhoneNotes } from './notes.ts'
import { encodeNotes, parseNotes } from './parse-notes.ts'

/** Notes about phones, one small file each in a folder of this machine. A lost one costs hindsight, never data. */
export interface Notebook {
  /** What is noted of a phone; nothing where there is no file, or one that means nothing. */
  read(udid: string): Promise<PhoneNotes>
  /** Replaces the file in one step. Two processes at once may lose what one of them noted. */
  change(udid: string, change: (notes: PhoneNotes) => PhoneNotes): Promise<void>
}

/** What is noted at most has some 300 KB. */
const FILE_BYTES_MAX = 4 * 2 ** 20

/** The folder is made when something is noted. Throws what the operating system refuses. */
export function openNotebook(folder: string): Notebook {
  const fileOf = (udid: string) => join(folder, `${parseUdid(udid)}.json`)
  return {
    read: (udid) => readNotes(fileOf(udid)),
    async change(udid, change) {
      const file = fileOf(udid)
      await replaceFile(file, encodeNotes(change(await readNotes(file))))
    },
  }
}

async function readNotes(file: string): Promise<PhoneNotes> {
  try {
    await using handle = await open(file, 'r')
    const { size } = await handle.stat()
    return size > FILE_BYTES_MAX ? NO_NOTES : parseNotes(await handle.readFile('utf8'))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return NO_NOTES
    throw error
  }
}
