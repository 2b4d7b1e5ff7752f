import type { BackupEntry, BackupHost, BackupPath } from '../device/index.ts'
import type { CowTree, RepositoryWriter } from '../repository/index.ts'
import { paceCheckpoints } from './checkpoint-pace.ts'

interface SignalOption {
  readonly signal: AbortSignal
}

export interface SnapshotHostOptions {
  readonly udid: string
  readonly tree: CowTree
  readonly writer: RepositoryWriter
  /** The modification time of everything this run stores, so that unchanged folders of the tree stay the same. */
  readonly startedMs: number
  readonly freeBytes: (options: SignalOption) => Promise<number>
  /** Makes everything received so far durable. */
  readonly checkpoint: (options: SignalOption) => Promise<void>
  /** Plain bytes between two checkpoints that nobody asked for, while files are few. */
  readonly checkpointBytes: number
  /** Told after every block of a file, some 256 KiB. */
  readonly onReceived: (bytes: number) => void
}

/**
 * A phone's backup folder that is a tree in a repository: the phone's names are keys of the tree, and an upload is stored
 * while it arrives. Nothing becomes a snapshot here.
 */
export function openSnapshotHost(options: SnapshotHostOptions): BackupHost {
  const { udid, tree, writer, startedMs, checkpointBytes } = options
  const pace = paceCheckpoints(checkpointBytes)

  return {
    async readFile(path, { signal }) {
      if ((await tree.stat(path, { signal }))?.kind !== 'file') return undefined
      return tree.readFile(path, { signal })
    },

    async list(path, { signal }) {
      if ((await tree.stat(path, { signal }))?.kind !== 'folder') return undefined
      const entries: BackupEntry[] = []
      for await (const { name, kind, sizeBytes, modifiedMs } of tree.list(path, { signal })) {
        entries.push({ name, kind: kind === 'folder' ? 'folder' : 'file', sizeBytes, modifiedMs })
      }
      return entries
    },

    makeFolder: (path, { signal }) => tree.makeFolder(path, { signal }),

    async receiveFile(path, blocks, { signal }) {
      const file = writer.openFile()
      try {
        for await (const block of blocks) {
          await file.write(block)
          options.onReceived(block.length)
        }
      } catch (error) {
        file.abandon()
        throw error
      }
      const { content, sizeBytes } = await file.finish()
      await tree.putFile(path, { content, sizeBytes, modifiedMs: startedMs }, { signal })
      pace.received(sizeBytes)
    },

    async uploaded(paths, { signal }) {
      const isCommitPoint = paths.some((path) => isStatusOf(udid, path))
      if (!isCommitPoint && !pace.isDue) return
      await options.checkpoint({ signal })
      pace.made()
    },

    async move(moves, { signal }) {
      const missing: BackupPath[] = []
      for (const { from, to } of moves) {
        if (!(await tree.move(from, to, { signal }))) missing.push(from)
      }
      return missing
    },

    async remove(paths, { signal }) {
      for (const path of paths) await tree.remove(path, { signal })
    },

    copy: ({ from, to }, { signal }) => tree.copy(from, to, { signal }),

    freeBytes: options.freeBytes,

    /** Room is made by forgetting snapshots, which is a person's decision. */
    purge: async () => 0,
  }
}

/** Uploads of `<UDID>/Status.plist` are the phone's commit points. Source: docs/protocol/mobilebackup2.md. */
function isStatusOf(udid: string, path: BackupPath): boolean {
  return path.length === 2 && path[0] === udid && path[1] === 'Status.plist'
}
