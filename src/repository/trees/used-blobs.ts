import { fromUtf8 } from '../../base/bytes.ts'
import { damaged } from '../errors.ts'
import { type BlobId, type Id, parseId } from '../format/id.ts'
import { isObject, parseJson } from '../format/json.ts'
import type { BlobType } from '../indexes/blob-index.ts'
import type { BlobMarks } from '../indexes/blob-marks.ts'
import type { Repository } from '../repository.ts'

/**
 * Marks every tree and every blob that these trees need; what is marked already is not walked again. Throws `repo.damaged` for a
 * tree that cannot be read, and for anything that the index does not list: nothing may be removed while one need is unknown.
 * Memory: one folder's tree at a time, and the ids of the folders that are still to be read.
 */
export async function markUsedBlobs(
  repository: Repository,
  marks: BlobMarks,
  roots: Iterable<Id>,
  { signal, onTree }: { signal: AbortSignal; onTree?: (() => void) | undefined },
): Promise<void> {
  const open: Id[] = []
  const visit = (id: Id) => {
    if (isFirst(marks, 'tree', id)) open.push(id)
  }
  for (const root of roots) visit(root)
  for (let tree = open.pop(); tree !== undefined; tree = open.pop()) {
    const bytes = await repository.loadBlob('tree', tree, { signal })
    for (const { content, subtree } of needsOf(bytes, `The tree ${tree}`)) {
      for (const id of content) isFirst(marks, 'data', id)
      if (subtree !== undefined) visit(subtree)
    }
    onTree?.()
  }
}

/** Marks it. True if it was not marked before. */
function isFirst(marks: BlobMarks, type: BlobType, id: BlobId): boolean {
  const marked = marks.mark(type, id)
  if (marked === 'unknown') throw damaged(`The ${type} blob ${id}`, 'a snapshot needs it, but no index lists it')
  return marked === 'first'
}

interface NodeNeeds {
  readonly content: readonly BlobId[]
  readonly subtree: Id | undefined
}

/** What each node refers to, whatever kind of node it is and whoever wrote it. Anything out of the ordinary is `repo.damaged`. */
function* needsOf(tree: Uint8Array, what: string): Generator<NodeNeeds> {
  const parsed = parseJson(fromUtf8(tree), what)
  const nodes = isObject(parsed) ? parsed.nodes : undefined
  if (nodes !== null && !Array.isArray(nodes)) throw damaged(what, 'it has no list of nodes')
  for (const node of nodes ?? []) {
    if (!isObject(node)) throw damaged(what, 'it has a node that is none')
    const { content, subtree } = node
    yield { content: idsOf(content ?? [], what), subtree: subtree == null ? undefined : idOf(subtree, what) }
  }
}

function idsOf(list: unknown, what: string): readonly BlobId[] {
  if (!Array.isArray(list)) throw damaged(what, 'it has a file whose content is no list')
  return list.map((id) => idOf(id, what))
}

function idOf(text: unknown, what: string): Id {
  const id = parseId(text)
  if (id === undefined) throw damaged(what, 'it refers to what is no id')
  return id
}
