import type { TreeEntry, TreeReader } from '../repository/index.ts'
import { tooManyEntries } from './errors.ts'

interface SignalOption {
  readonly signal: AbortSignal
}

/** What a snapshot holds, and how it differs from the one before, as restic counts it. */
export interface TreeComparison {
  readonly files: Counts
  readonly folders: Counts
  /** All files of the new tree. */
  readonly totalFiles: number
  readonly totalBytes: number
}

interface Counts {
  readonly added: number
  readonly changed: number
  readonly unmodified: number
}

/** A phone that copies folders into each other could otherwise make a tree whose walk never ends. */
const ENTRIES_MAX = 20_000_000

/**
 * Compares two trees folder by folder. A file counts as changed when its time or size differs: every run stores what it
 * receives under its own time.
 */
export async function compareTrees(
  tree: TreeReader,
  parent: TreeReader | undefined,
  { signal }: SignalOption,
): Promise<TreeComparison> {
  const tally = { files: newCounts(), folders: newCounts(), totalFiles: 0, totalBytes: 0 }
  let entries = 0

  const compareFolder = async (path: readonly string[], before: TreeReader | undefined): Promise<boolean> => {
    const old = await entriesOf(before, path, signal)
    let isChanged = false
    for await (const entry of tree.list(path, { signal })) {
      if (++entries > ENTRIES_MAX) throw tooManyEntries(ENTRIES_MAX)
      const was = old.get(entry.name)
      old.delete(entry.name)
      const change =
        entry.kind === 'folder' ? await compareSubfolder(path, entry, was, before) : compareFile(entry, was)
      isChanged ||= change !== 'unmodified'
    }
    return isChanged || old.size > 0
  }
  const compareSubfolder = async (
    path: readonly string[],
    { name }: TreeEntry,
    was: TreeEntry | undefined,
    before: TreeReader | undefined,
  ): Promise<keyof Counts> => {
    const isOld = was?.kind === 'folder'
    const isChanged = await compareFolder([...path, name], isOld ? before : undefined)
    const change = !isOld ? 'added' : isChanged ? 'changed' : 'unmodified'
    tally.folders[change] += 1
    return change
  }
  const compareFile = (entry: TreeEntry, was: TreeEntry | undefined): keyof Counts => {
    const isSame = was?.modifiedMs === entry.modifiedMs && was.sizeBytes === entry.sizeBytes
    const change = was === undefined ? 'added' : isSame ? 'unmodified' : 'changed'
    tally.files[change] += 1
    tally.totalFiles += 1
    tally.totalBytes += entry.sizeBytes
    return change
  }

  await compareFolder([], parent)
  return tally
}

function newCounts(): { added: number; changed: number; unmodified: number } {
  return { added: 0, changed: 0, unmodified: 0 }
}

async function entriesOf(
  tree: TreeReader | undefined,
  path: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>()
  if (tree === undefined) return entries
  for await (const entry of tree.list(path, { signal })) entries.set(entry.name, entry)
  return entries
}
