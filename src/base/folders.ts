import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isSystemError } from './errors.ts'

/**
 * Makes a folder and those above it, for this user only; one that is there stays as it is. Gives those that were made, the outermost
 * first; none of their names is synced. Throws what the system says. Not `mkdir` with `recursive`: where a parent exists and yet
 * nothing can be made in it (`/proc`), Node 26 tries for ever.
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const folder = resolve(path)
  try {
    await mkdir(folder, { mode: 0o700 })
    return [folder]
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && (await isFolder(folder))) return []
    const parent = dirname(folder)
    if (!isSystemError(error, 'ENOENT') || parent === folder) throw error
    const above = (await isFolder(parent)) ? [] : await makeFolder(parent)
    return [...above, ...(await makeInside(folder))]
  }
}

/**
 * Does some work on a file. What the system refuses without saying where, as it does when a disk is full, names `path` from then on.
 */
export async function namingPath<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (isSystemError(error)) error.path ??= path
    throw error
  }
}

/** Makes the names in a folder durable. Some file systems refuse to sync a folder; restic goes on there, and so do we. */
export async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path)
  try {
    await handle.sync()
  } catch (error) {
    if (!REFUSALS.some((code) => isSystemError(error, code))) throw error
  }
}

const REFUSALS = ['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES']

/** Once more, now that the parent is there: somebody else may have made it, and this folder, meanwhile. */
async function makeInside(folder: string): Promise<readonly string[]> {
  try {
    await mkdir(folder, { mode: 0o700 })
    return [folder]
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && (await isFolder(folder))) return []
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
}
