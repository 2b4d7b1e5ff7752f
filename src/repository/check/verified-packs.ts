import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../base/errors.ts'
import { makeFolder } from '../../base/folders.ts'
import { type Id, parseId } from '../format/id.ts'

/**
 * When each pack was last read and found sound, milliseconds since 1970, so that the next check can begin with the others. Kept
 * on this machine, beside the repository: what cannot be read or written is as good as lost, and that costs reading some packs
 * earlier than needed, and nothing else.
 */
export interface VerifiedPacks {
  read(): Promise<Map<Id, number>>
  /** Whole or not at all. */
  write(verified: ReadonlyMap<Id, number>): Promise<void>
}

/** The record for one repository, in a folder of this machine that is made if needed; about 80 bytes a pack. */
export function openVerifiedPacks(folder: string, { repositoryId }: { readonly repositoryId: Id }): VerifiedPacks {
  const file = join(folder, `${repositoryId.slice(0, 16)}.txt`)
  return {
    read: async () => (await unlessRefused(async () => decode(await readFile(file, 'latin1')))) ?? new Map(),
    write: async (verified) => {
      await unlessRefused(async () => {
        await makeFolder(folder)
        const draft = `${file}.new`
        await writeFile(draft, encode(verified), { mode: 0o600 })
        await rename(draft, file)
      })
    },
  }
}

/** Undefined when the system refuses. */
async function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isSystemError(error)) return undefined
    throw error
  }
}

/** A line for each pack: its id, and the time in seconds. */
function encode(verified: ReadonlyMap<Id, number>): string {
  return Array.from(verified, ([id, timeMs]) => `${id} ${Math.floor(timeMs / 1000)}\n`).join('')
}

/** Lines that say nothing sensible are left out. */
function decode(text: string): Map<Id, number> {
  const verified = new Map<Id, number>()
  for (const line of text.split('\n')) {
    const [name, seconds] = line.split(' ')
    const id = parseId(name)
    if (id !== undefined && /^\d{1,11}$/.test(seconds ?? '')) verified.set(id, Number(seconds) * 1000)
  }
  return verified
}
