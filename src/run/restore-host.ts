import type { BackupHost, BackupPath } from '../device/index.ts'
import type { TreePath, TreeReader } from '../repository/index.ts'
import { ScratchTree } from './scratch-tree.ts'

/**
 * A snapshot as the backup folder that a phone restores from. It is read straight out of the repository; the little that a phone
 * may write meanwhile stays in memory and is forgotten. Asked for room it tells what is left of that memory, which is too little
 * for a copy of a backup: phones then make none. More writing than that is `wire.bad-frame`.
 */
export function openRestoreHost({
  tree,
  backup,
  onSent,
}: {
  readonly tree: TreeReader
  /** The phone's name for the backup, and where it lies in the tree. */
  readonly backup: { readonly udid: string; readonly folder: TreePath }
  /** Told of every piece that is handed to the phone. */
  readonly onSent: (bytes: number) => void
}): BackupHost {
  const scratch = new ScratchTree(tree, { name: backup.udid, folder: backup.folder })
  return {
    async readFile(path, { signal }) {
      const content = await scratch.open(path, { signal })
      return content && countedPieces(content, onSent)
    },

    list: (path, { signal }) => scratch.list(path, { signal }),

    makeFolder: (path, { signal }) => scratch.makeFolder(path, { signal }),

    receiveFile: (path, blocks, { signal }) => scratch.write(path, blocks, { signal }),

    uploaded: async () => {},

    async move(moves, { signal }) {
      const missing: BackupPath[] = []
      for (const { from, to } of moves) {
        if (await scratch.copy(from, to, { signal })) await scratch.remove(from, { signal })
        else missing.push(from)
      }
      return missing
    },

    async remove(paths, { signal }) {
      for (const path of paths) await scratch.remove(path, { signal })
    },

    copy: ({ from, to }, { signal }) => scratch.copy(from, to, { signal }),

    freeBytes: async () => scratch.bytesLeft,

    purge: async () => 0,
  }
}

async function* countedPieces(
  content: AsyncIterable<Uint8Array>,
  onSent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    yield piece
    onSent(piece.length)
  }
}
