import { utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { HurtTrees, type TreeFault } from '../check/hurt-trees.ts'
import { LostBlobs } from '../check/lost-blobs.ts'
import { surveyPacks } from '../check/pack-survey.ts'
import type { Id } from '../format/id.ts'
import { Repository } from '../repository.ts'
import { encodeTree } from '../trees/tree.ts'
import { withSubtree } from '../trees/tree-entry.ts'

interface MendingOptions {
  /** Stores a tree, or only says what its id would be. */
  readonly store: (tree: Uint8Array) => Promise<Id>
  readonly signal: AbortSignal
  readonly onTree?: (() => void) | undefined
}

/** Makes trees without what is lost. A tree that many snapshots share is mended once. */
export interface TreeMending {
  /** What is hurt; a tree must be counted before it is mended. */
  readonly trees: HurtTrees
  /** The same tree if it is sound; undefined if nothing is left of it. What stays, stays byte for byte. */
  mend(tree: Id): Promise<Id | undefined>
}

/**
 * Compares indexes with packs, to know what is lost. Only damage counts as loss: it throws, now and later, what the storage says
 * when a file cannot be read for another reason.
 */
export async function openTreeMending(
  repository: Repository,
  { store, signal, onTree = () => {} }: MendingOptions,
): Promise<TreeMending> {
  const survey = await surveyPacks(repository, { signal })
  for (const fault of survey.faults) if (fault.kind === 'index-damaged') throwUnlessDamage(fault.error)
  const { backend, sealer, config } = repository
  const beside = new Repository(backend, sealer, config)
  beside.index = survey.index
  const onFault = (fault: TreeFault) => {
    if (fault.kind === 'tree-damaged') throwUnlessDamage(fault.error)
  }
  const trees = new HurtTrees(beside, new LostBlobs(survey), { signal, onTree, onFault })
  const mended = new Map<Id, Id | undefined>()

  const mend = async (tree: Id): Promise<Id | undefined> => {
    const state = trees.stateOf(tree)
    if (state !== 'hurt') return state === 'sound' ? tree : undefined
    if (!mended.has(tree)) mended.set(tree, await mendAnew(tree))
    return mended.get(tree)
  }
  const mendAnew = async (tree: Id): Promise<Id | undefined> => {
    const nodes: string[] = []
    for (const { stored, node } of await trees.readTree(tree)) {
      if (trees.lostPartOf(node) !== undefined) continue
      const subtree = node.kind === 'folder' ? await mend(node.subtree) : undefined
      if (node.kind !== 'folder' || subtree === node.subtree) nodes.push(stored.json)
      else if (subtree !== undefined) nodes.push(withSubtree(stored.json, subtree))
    }
    return nodes.length === 0 ? undefined : await store(utf8(encodeTree(nodes)))
  }
  return { trees, mend }
}

function throwUnlessDamage(error: unknown): void {
  if (!isAppError(error, 'repo.damaged')) throw error
}
