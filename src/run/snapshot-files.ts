import type { BackupFiles } from '../backup-set/index.ts'
import { openTree, type Repository, type Snapshot, type TreePath, type TreeReader } from '../repository/index.ts'
import { noBackup } from './errors.ts'

interface SignalOption {
  readonly signal: AbortSignal
}

/** The files of the one backup in a snapshot. */
export interface SnapshotFiles extends BackupFiles {
  /** Where the backup's folder is in the snapshot's tree. */
  readonly folder: TreePath
  /** The snapshot's folders and files, as whoever restores them is to get them. */
  readonly tree: TreeReader
}

/**
 * The view through which everything that reads a backup in a snapshot reads it: straight from the repository, each file blob
 * by blob as it is asked for. Load the index before. Throws `run.no-backup` unless the snapshot holds exactly one backup, and
 * `repo.damaged`.
 */
export async function openSnapshotFiles(
  repository: Repository,
  snapshot: Snapshot,
  { signal }: SignalOption,
): Promise<SnapshotFiles> {
  const tree = openTree(repository, snapshot.tree)
  const [folder, ...others] = await findBackups(tree, signal)
  if (folder === undefined) throw noBackup(`Snapshot ${snapshot.id} holds no backup of a phone`)
  if (others.length > 0) throw noBackup(`Snapshot ${snapshot.id} holds ${others.length + 1} backups`)
  return {
    folder,
    tree,
    async open(path, { signal }) {
      const place = [...folder, ...path.split('/')]
      const entry = await tree.stat(place, { signal })
      if (entry?.kind !== 'file') return undefined
      return { bytes: entry.sizeBytes, content: tree.readFile(place, { signal }) }
    },
  }
}

/** Our backups lie one folder deep; restic keeps the whole path of what it was told to back up. */
const FOLDERS_MAX = 1_000

/** Breadth first, and not into backups. */
async function findBackups(tree: TreeReader, signal: AbortSignal): Promise<readonly TreePath[]> {
  const backups: TreePath[] = []
  const queue: TreePath[] = [[]]
  for (const folder of queue) {
    if (await isBackup(tree, folder, signal)) {
      backups.push(folder)
      continue
    }
    for await (const { name, kind } of tree.list(folder, { signal })) {
      if (kind === 'folder' && queue.length < FOLDERS_MAX) queue.push([...folder, name])
    }
  }
  return backups
}

async function isBackup(tree: TreeReader, folder: TreePath, signal: AbortSignal): Promise<boolean> {
  for (const name of ['Manifest.plist', 'Status.plist']) {
    if ((await tree.stat([...folder, name], { signal }))?.kind !== 'file') return false
  }
  return true
}
