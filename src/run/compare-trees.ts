import type { Snapshot, TreeEntry, TreePath, TreeReader } from '../repository/index.ts'
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

/** How much a whole tree holds. */
export interface TreeTotals {
  readonly files: number
  readonly folders: number
  readonly bytes: number
}

/** The tree before; without totals it is counted first. */
export interface TreeBefore {
  readonly tree: TreeReader
  readonly totals: TreeTotals | undefined
}

/** What a snapshot says about its own tree; undefined if it says nothing, or was rewritten since, perhaps without parts of it. */
export function totalsOf({ summary, original }: Snapshot): TreeTotals | undefined {
  if (summary === undefined || original !== undefined) return undefined
  return {
    files: summary.total_files_processed,
    folders: summary.dirs_new + summary.dirs_changed + summary.dirs_unmodified,
    bytes: summary.total_bytes_processed,
  }
}

/**
 * Compares two trees folder by folder; what is the same tree in both is not looked into. A file counts as changed when its time
 * or size differs: every run stores what it receives under its own time.
 */
export async function compareTrees(
  tree: TreeReader,
  before: TreeBefore | undefined,
  { signal }: SignalOption,
): Promise<TreeComparison> {
  const totals = before && (before.totals ?? (await countTree(before.tree, { signal })))
  const differences = new Differences(signal)
  await differences.ofFolder([], { now: tree, was: before?.tree })
  return differences.since(totals ?? { files: 0, folders: 0, bytes: 0 })
}

async function countTree(tree: TreeReader, { signal }: SignalOption): Promise<TreeTotals> {
  const { totalFiles, totalBytes, folders } = await compareTrees(tree, undefined, { signal })
  return { files: totalFiles, folders: folders.added, bytes: totalBytes }
}

/** A phone that copies folders into each other could otherwise make a tree whose walk never ends. */
const ENTRIES_MAX = 20_000_000

/** Either is undefined where there is no such folder. */
interface Sides {
  readonly now: TreeReader | undefined
  readonly was: TreeReader | undefined
}

class Differences {
  readonly #signal: AbortSignal
  readonly #files = { added: 0, changed: 0, removed: 0 }
  readonly #folders = { added: 0, changed: 0, removed: 0 }
  #bytes = 0
  #entries = 0

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  since(totals: TreeTotals): TreeComparison {
    const totalFiles = atLeastNone(totals.files + this.#files.added - this.#files.removed)
    const totalFolders = atLeastNone(totals.folders + this.#folders.added - this.#folders.removed)
    return {
      files: countsOf(this.#files, totalFiles),
      folders: countsOf(this.#folders, totalFolders),
      totalFiles,
      totalBytes: atLeastNone(totals.bytes + this.#bytes),
    }
  }

  /** True if anything in the folder, or below it, differs. */
  async ofFolder(path: TreePath, { now, was }: Sides): Promise<boolean> {
    const old = new Map<string, TreeEntry>()
    for await (const entry of this.#entriesOf(was, path)) old.set(entry.name, entry)
    let isSame = true
    for await (const entry of this.#entriesOf(now, path)) {
      const before = old.get(entry.name)
      if (before !== undefined && (before.kind === 'folder') === (entry.kind === 'folder')) {
        old.delete(entry.name)
        if (!(await this.#isSame(path, { entry, before }, { now, was }))) isSame = false
      } else {
        await this.#add(path, entry, now)
        isSame = false
      }
    }
    for (const entry of old.values()) await this.#remove(path, entry, was)
    return !isSame || old.size > 0
  }

  async *#entriesOf(tree: TreeReader | undefined, path: TreePath): AsyncGenerator<TreeEntry> {
    if (tree === undefined) return
    for await (const entry of tree.list(path, { signal: this.#signal })) {
      if (++this.#entries > 2 * ENTRIES_MAX) throw tooManyEntries(ENTRIES_MAX)
      yield entry
    }
  }

  async #isSame(
    path: TreePath,
    { entry, before }: { entry: TreeEntry; before: TreeEntry },
    sides: Sides,
  ): Promise<boolean> {
    if (entry.kind === 'folder') {
      if (entry.subtree !== undefined && entry.subtree === before.subtree) return true
      if (!(await this.ofFolder([...path, entry.name], sides))) return true
      this.#folders.changed++
      return false
    }
    if (entry.modifiedMs === before.modifiedMs && entry.sizeBytes === before.sizeBytes) return true
    this.#files.changed++
    this.#bytes += entry.sizeBytes - before.sizeBytes
    return false
  }

  async #add(path: TreePath, entry: TreeEntry, now: TreeReader | undefined): Promise<void> {
    const counts = entry.kind === 'folder' ? this.#folders : this.#files
    counts.added++
    this.#bytes += entry.sizeBytes
    if (entry.kind === 'folder') await this.ofFolder([...path, entry.name], { now, was: undefined })
  }

  async #remove(path: TreePath, entry: TreeEntry, was: TreeReader | undefined): Promise<void> {
    const counts = entry.kind === 'folder' ? this.#folders : this.#files
    counts.removed++
    this.#bytes -= entry.sizeBytes
    if (entry.kind === 'folder') await this.ofFolder([...path, entry.name], { now: undefined, was })
  }
}

function countsOf({ added, changed }: { added: number; changed: number }, total: number): Counts {
  return { added, changed, unmodified: atLeastNone(total - added - changed) }
}

/** A snapshot's own totals may be wrong, but what is made of them must not be worse than that. */
function atLeastNone(count: number): number {
  return Math.max(0, count)
}
