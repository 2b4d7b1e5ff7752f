import { fromUtf8 } from '../base/bytes.ts'
import type { Id } from './id.ts'
import type { Repository } from './repository.ts'
import { decodeNode, splitTree } from './tree.ts'

/**
 * True when the index lists every tree and every blob that this tree needs. For trees that no snapshot protects: a prune may
 * have taken some of it. Throws `repo.damaged` when a tree is listed but cannot be read. Load the index before.
 */
export async function isTreeWhole(
  repository: Repository,
  root: Id,
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  const open = new Set([root])
  for (const tree of open) {
    if (!repository.index.has('tree', tree)) return false
    const text = fromUtf8(await repository.loadBlob('tree', tree, { signal }))
    for (const stored of splitTree(text, `The tree ${tree}`)) {
      const node = decodeNode(stored, `The tree ${tree}`)
      if (node.kind === 'folder') open.add(node.subtree)
      if (node.kind === 'file' && !node.content.every((id) => repository.index.has('data', id))) return false
    }
  }
  return true
}
