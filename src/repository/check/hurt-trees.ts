import { damaged } from '../errors.ts'
import type { BlobId, Id } from '../format/id.ts'
import { BlobMarks } from '../indexes/blob-marks.ts'
import type { Repository } from '../repository.ts'
import { decodeNode, type StoredNode, StoredTree, type TreeNode } from '../trees/tree.ts'
import { outlineOf, type Subtree } from '../trees/tree-outline.ts'
import type { LostBlobs } from './lost-blobs.ts'

/** How much below a tree cannot be restored as it was. */
export interface HurtCount {
  /** Files of which a part is lost. */
  readonly files: number
  /** Folders whose list of names is lost, and with it everything in them. */
  readonly folders: number
}

/** One file, or one folder with everything in it, that cannot be restored as it was. */
export interface HurtPath {
  /** From the root of the tree, such as `/udid/ab/abcd`. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** What is damaged, as a finding's subject names it: a pack, a blob that is nowhere, a tree. */
  readonly because: string
}

/** Something that was come across on the way: a tree that cannot be read, or a file's blob that no index file lists. */
export type TreeFault =
  | { readonly kind: 'tree-damaged'; readonly tree: Id; readonly path: string; readonly error: unknown }
  | { readonly kind: 'blob-missing'; readonly blob: BlobId; readonly path: string }

interface HurtTreesOptions {
  readonly signal: AbortSignal
  /** Called for every tree that is read for the first time. */
  readonly onTree?: () => void
  readonly onFault?: (fault: TreeFault) => void
}

/** What is known of a hurt tree. */
interface Hurt extends HurtCount {
  /** The tree itself cannot be read. */
  readonly isUnreadable: boolean
}

const NOTHING: HurtCount = { files: 0, folders: 0 }
/** Deeper than any path that an operating system allows. */
const DEPTH_MAX = 2048

/**
 * Finds what lost blobs mean for the trees that need them. A tree is read once however many others share it; one that is hurt is
 * read again to list it. Memory: one bit a tree, and 200 bytes a hurt one.
 */
export class HurtTrees {
  readonly #repository: Repository
  readonly #lost: LostBlobs
  readonly #options: HurtTreesOptions
  readonly #sound: BlobMarks
  readonly #hurt = new Map<Id, Hurt>()

  /** The repository's index must be the one that the lost blobs are of. */
  constructor(repository: Repository, lost: LostBlobs, options: HurtTreesOptions) {
    this.#repository = repository
    this.#lost = lost
    this.#options = options
    this.#sound = new BlobMarks(repository.index)
  }

  /** Of a tree that was counted: `unreadable` when nothing in it can be told from anything else. */
  stateOf(tree: Id): 'sound' | 'hurt' | 'unreadable' {
    const hurt = this.#hurt.get(tree)
    if (hurt === undefined) return 'sound'
    return hurt.isUnreadable ? 'unreadable' : 'hurt'
  }

  /** What is hurt in a tree and below; a tree that cannot be read is one hurt folder. `path` is for the faults. */
  async count(tree: Id, path: string, depth = 0): Promise<HurtCount> {
    const known = this.#known(tree)
    if (known !== undefined) return known
    const count = await this.#countAnew(tree, path, depth)
    if (count.files + count.folders === 0) this.#sound.mark('tree', tree)
    else this.#hurt.set(tree, count)
    this.#options.onTree?.()
    return count
  }

  #known(tree: Id): HurtCount | undefined {
    return this.#sound.has('tree', tree) ? NOTHING : this.#hurt.get(tree)
  }

  async #countAnew(tree: Id, path: string, depth: number): Promise<Hurt> {
    const seen = await this.#look(tree, path, depth)
    if (seen === undefined) return { files: 0, folders: 1, isUnreadable: true }
    let { files, folders } = { files: seen.hurtFiles, folders: 0 }
    for (const below of seen.subtrees) {
      const count = await this.count(below.tree, `${path}/${below.name}`, depth + 1)
      files += count.files
      folders += count.folders
    }
    return { files, folders, isUnreadable: false }
  }

  /** Undefined for a tree that cannot be read to its end. */
  async #look(tree: Id, path: string, depth: number): Promise<Seen | undefined> {
    try {
      if (depth > DEPTH_MAX) throw damaged(`The tree ${tree}`, 'it is nested too deep')
      const bytes = await this.#loadTree(tree)
      const subtrees = outlineOf(bytes, (blob) => this.#lost.has('data', blob))
      return subtrees === undefined ? this.#lookClosely(tree, bytes, path) : { hurtFiles: 0, subtrees }
    } catch (error) {
      this.#options.signal.throwIfAborted()
      this.#options.onFault?.({ kind: 'tree-damaged', tree, path, error })
      return undefined
    }
  }

  #lookClosely(tree: Id, bytes: Uint8Array, path: string): Seen {
    const subtrees: Subtree[] = []
    let hurtFiles = 0
    for (const { node } of nodesOf(tree, bytes)) {
      if (node.kind === 'folder') subtrees.push({ name: node.name, tree: node.subtree })
      if (this.lostPartOf(node) === undefined) continue
      hurtFiles++
      this.#tellMissing(node, `${path}/${node.name}`)
    }
    return { hurtFiles, subtrees }
  }

  #tellMissing(node: TreeNode, path: string): void {
    if (node.kind !== 'file' || this.#options.onFault === undefined) return
    for (const blob of node.content) {
      if (!this.#repository.index.has('data', blob)) this.#options.onFault({ kind: 'blob-missing', blob, path })
    }
  }

  /** The first blob of a file that cannot be had; undefined for a sound file, and for what is no file. */
  lostPartOf(node: TreeNode): BlobId | undefined {
    return node.kind === 'file' ? node.content.find((blob) => this.#lost.has('data', blob)) : undefined
  }

  /** The nodes of a tree, decoded one by one. Throws `repo.damaged`, also while they are gone through. */
  async readTree(tree: Id): Promise<Iterable<{ readonly stored: StoredNode; readonly node: TreeNode }>> {
    return nodesOf(tree, await this.#loadTree(tree))
  }

  async #loadTree(tree: Id): Promise<Uint8Array> {
    return await this.#repository.loadBlob('tree', tree, { signal: this.#options.signal })
  }

  /** Everything that is hurt below a tree that was counted, in the order of the trees. */
  async *list(tree: Id, path = ''): AsyncGenerator<HurtPath> {
    const hurt = this.#hurt.get(tree)
    if (hurt?.isUnreadable) yield { path: path || '/', kind: 'folder', because: this.#lost.placeOf('tree', tree) }
    if (hurt === undefined || hurt.isUnreadable) return
    const subtrees: Subtree[] = []
    for (const { node } of await this.readTree(tree)) {
      const nodePath = `${path}/${node.name}`
      const lost = this.lostPartOf(node)
      if (lost !== undefined) yield { path: nodePath, kind: 'file', because: this.#lost.placeOf('data', lost) }
      if (node.kind === 'folder') subtrees.push({ name: node.name, tree: node.subtree })
    }
    for (const below of subtrees) yield* this.list(below.tree, `${path}/${below.name}`)
  }
}

/** What lies directly in a tree. */
interface Seen {
  readonly hurtFiles: number
  readonly subtrees: readonly Subtree[]
}

function* nodesOf(tree: Id, bytes: Uint8Array): Generator<{ readonly stored: StoredNode; readonly node: TreeNode }> {
  const what = `The tree ${tree}`
  for (const stored of new StoredTree(bytes, what).nodes()) yield { stored, node: decodeNode(stored, what) }
}
