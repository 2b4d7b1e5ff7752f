import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../base/errors.ts'
import { makeFolder } from '../../base/folders.ts'
import { randomUuid } from '../../base/random.ts'
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
      const notes = change(await readNotes(file))
      await makeFolder(folder)
      await replaceFile(file, encodeNotes(notes))
    },
  }
}

async function readNotes(file: string): Promise<PhoneNotes> {
  try {
    await using handle = await open(file, 'r')
    const { size } = await stat(file)
    return size > FILE_BYTES_MAX ? NO_NOTES : parseNotes(await handle.readFile('utf8'))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return NO_NOTES
    throw error
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUuid()}.tmp`
  try {
    await using handle = await open(draft, 'wx', 0o600)
    await handle.writeFile(text)
    await handle.sync()
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
