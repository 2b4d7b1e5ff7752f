import assert from 'node:assert/strict'
import { utf8 } from '../../base/bytes.ts'
import { badPath } from '../errors.ts'
import { isName, nameBytes } from '../format/go-json.ts'
import type { BlobId, Id } from '../format/id.ts'
import { BlobWindows } from '../packs/blob-windows.ts'
import type { Repository } from '../repository.ts'
import { RepositoryWriter } from '../write/writer.ts'
import type { FileEntry } from './file-records.ts'
import { ChangeStore } from './folder-changes.ts'
import { StoredFolders } from './stored-folders.ts'
import { compareNames, encodeFile, encodeFolder, encodeTree, type StoredTree } from './tree.ts'
import {
  contentOf,
  describe,
  type Entry,
  type Folder,
  idsOf,
  openFolder,
  openNode,
  renamed,
  type TreeEntry,
  withSubtree,
} from './tree-entry.ts'

/** Names from the root down; never a path of the operating system. The root is the empty list. */
export type TreePath = readonly string[]

/** A file to be put into a tree. */
export interface NewFile {
  readonly content: readonly BlobId[]
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Permission bits; 0600 if not given. */
  readonly mode?: number
}

interface SignalOption {
  readonly signal: AbortSignal
}

/** What can be read of a tree. Calls may overlap: they are done one after the other. */
export interface TreeReader {
  /** Undefined when there is nothing of that name. */
  stat(path: TreePath, options: SignalOption): Promise<TreeEntry | undefined>
  /** A folder's entries, ascending by the bytes of their names; none if it is no folder. */
  list(path: TreePath, options: SignalOption): AsyncIterable<TreeEntry>
  /** A file's bytes, blob by blob, each proven by its hash. Throws `repo.bad-path` if it is no file. */
  readFile(path: TreePath, options: SignalOption): AsyncIterable<Uint8Array>
}

/** A tree that can be changed. Folders on the way to a new place are made. Throws `repo.bad-path` for impossible places. */
export interface CowTree extends TreeReader {
  /** Does nothing to a folder that is there; replaces anything else. */
  makeFolder(path: TreePath, options: SignalOption): Promise<void>
  /** Replaces what is there, also a whole folder. */
  putFile(path: TreePath, file: NewFile, options: SignalOption): Promise<void>
  /** Replaces an existing target, folder or file. False, and nothing changed, when there is nothing to move. */
  move(from: TreePath, to: TreePath, options: SignalOption): Promise<boolean>
  /** As `move`, but the source stays. What has changed in a folder is stored first, so the copy costs next to nothing itself. */
  copy(from: TreePath, to: TreePath, options: SignalOption): Promise<boolean>
  /** With everything below. False when there was nothing. */
  remove(path: TreePath, options: SignalOption): Promise<boolean>
  /** Stores the changed folders, and resolves with the tree's id; unchanged folders keep theirs. Durable after `writer.flush`. */
  commit(options: SignalOption): Promise<Id>
}

export interface TreeOptions {
  /**
   * Most plain bytes of stored folders that are kept, about 300 for each of their files. Whoever visits folder after folder needs
   * room for one; whoever visits files in no order needs room for all.
   */
  readonly cacheBytes?: number
}

/**
 * A tree over a stored one (or over nothing). Every change stays in memory, about 100 bytes a file; `commit` can be called at any time.
 * Opened on a repository it can be read, opened on a writer it can be changed.
 */
export function openTree(source: RepositoryWriter, root: Id | undefined, options?: TreeOptions): CowTree
export function openTree(source: Repository, root: Id | undefined, options?: TreeOptions): TreeReader
export function openTree(
  source: Repository | RepositoryWriter,
  root: Id | undefined,
  { cacheBytes = CACHE_BYTES }: TreeOptions = {},
): TreeReader {
  return new OverlayTree(source, root, cacheBytes)
}

/** The folders of a backup of 200,000 files. */
const CACHE_BYTES = 64 * 1024 * 1024

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const DEPTH_MAX = 255
const NAME_BYTES_MAX = 255

class OverlayTree implements CowTree {
  readonly #source: Repository | RepositoryWriter
  readonly #stored: StoredFolders
  readonly #changes = new ChangeStore()
  readonly #root: Folder
  #turn: Promise<void> = Promise.resolve()

  constructor(source: Repository | RepositoryWriter, root: Id | undefined, cacheBytes: number) {
    this.#source = source
    this.#stored = new StoredFolders(source, cacheBytes)
    this.#root = openFolder('', root, this.#changes)
  }

  async stat(path: TreePath, { signal }: SignalOption): Promise<TreeEntry | undefined> {
    const entry = await this.#inTurn(() => this.#find(path, signal))
    return entry && describe(path.at(-1) ?? '', entry)
  }

  async *list(path: TreePath, { signal }: SignalOption): AsyncGenerator<TreeEntry> {
    const entries = await this.#inTurn(async () => {
      const folder = await this.#find(path, signal)
      return folder?.kind === 'folder' ? await this.#describeAll(folder, signal) : []
    })
    yield* entries
  }

  async *readFile(path: TreePath, { signal }: SignalOption): AsyncGenerator<Uint8Array> {
    const entry = await this.#inTurn(() => this.#find(path, signal))
    const content = entry && contentOf(entry)
    if (content === undefined) throw badPath(path, 'is no file')
    yield* oneAhead(content, this.#loaderOf(content, signal))
  }

  /** Neighbours come from one request: a database has a blob for every few pages. What is not stored yet comes from the writer. */
  #loaderOf(content: readonly BlobId[], signal: AbortSignal): (id: BlobId) => Promise<Uint8Array> {
    const source = this.#source
    const loadOne = (id: BlobId) => source.loadBlob('data', id, { signal })
    if (content.length < 2) return loadOne
    const repository = source instanceof RepositoryWriter ? source.repository : source
    const windows = new BlobWindows(repository, content)
    return (id) => (repository.index.has('data', id) ? windows.load(id, { signal }) : loadOne(id))
  }

  async #describeAll(folder: Folder, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    const stored = await this.#stored.load(folder.base, signal)
    return Array.from(laidOver(folder, stored), ({ name, node }) =>
      describe(name, node === undefined ? folder.changes.get(name)! : openNode({ name, json: node }, this.#changes)),
    )
  }

  async makeFolder(path: TreePath, { signal }: SignalOption): Promise<void> {
    checkPath(path)
    await this.#inTurn(async () => {
      if ((await this.#find(path, signal))?.kind === 'folder') return
      const { folder, name } = await this.#placeFor(path, signal)
      folder.changes.set(name, this.#newFolder(name))
    })
  }

  async putFile(path: TreePath, file: NewFile, { signal }: SignalOption): Promise<void> {
    checkPath(path)
    const { content, sizeBytes, modifiedMs, mode = FILE_MODE } = file
    const entry: FileEntry = { kind: 'file', ids: content.join(''), sizeBytes, modifiedMs, mode }
    await this.#inTurn(async () => {
      const { folder, name } = await this.#placeFor(path, signal)
      folder.changes.set(name, entry)
    })
  }

  async move(from: TreePath, to: TreePath, { signal }: SignalOption): Promise<boolean> {
    return await this.#relink(from, to, signal, async (entry) => {
      const { folder, name } = await this.#placeToTakeFrom(from, signal)
      folder.changes.take(name)
      return entry
    })
  }

  async copy(from: TreePath, to: TreePath, { signal }: SignalOption): Promise<boolean> {
    return await this.#relink(from, to, signal, async (entry) => {
      return entry.kind === 'folder' ? openFolder(entry.json, await this.#store(entry, signal), this.#changes) : entry
    })
  }

  /** Puts what `take` makes of the source at the target. The target's place is found first, so that a bad one changes nothing. */
  async #relink(
    from: TreePath,
    to: TreePath,
    signal: AbortSignal,
    take: (entry: Entry) => Promise<Entry>,
  ): Promise<boolean> {
    checkPath(from)
    checkPath(to)
    const inside = from.every((name, index) => name === to[index])
    if (inside && to.length > from.length) throw badPath(to, 'lies inside of what is to be moved there')
    return await this.#inTurn(async () => {
      const entry = await this.#find(from, signal)
      if (entry === undefined || inside) return entry !== undefined
      const { folder, name } = await this.#placeFor(to, signal)
      folder.changes.set(name, renamed(await take(entry), name))
      return true
    })
  }

  async remove(path: TreePath, { signal }: SignalOption): Promise<boolean> {
    checkPath(path)
    return await this.#inTurn(async () => {
      if ((await this.#find(path, signal)) === undefined) return false
      const { folder, name } = await this.#placeToTakeFrom(path, signal)
      folder.changes.remove(name)
      return true
    })
  }

  /**
   * The folder that is about to lose this name. What is stored of it becomes changes like any other, without the name: to remember
   * only what is gone would take as much memory in the end, when a phone empties a folder file by file.
   */
  async #placeToTakeFrom(path: TreePath, signal: AbortSignal): Promise<Place> {
    const place = await this.#placeFor(path, signal)
    const { folder } = place
    for (const node of (await this.#stored.load(folder.base, signal)).nodes()) {
      if (!folder.changes.has(node.name)) folder.changes.set(node.name, openNode(node, this.#changes))
    }
    folder.base = undefined
    return place
  }

  async commit({ signal }: SignalOption): Promise<Id> {
    return await this.#inTurn(() => this.#store(this.#root, signal))
  }

  /** What has changed stays in memory, so that going on with it costs no reading. */
  async #store(folder: Folder, signal: AbortSignal): Promise<Id> {
    if (folder.stored !== undefined) return folder.stored
    const nodes: string[] = []
    const stored = await this.#stored.load(folder.base, signal)
    for (const { name, node } of laidOver(folder, stored)) {
      nodes.push(node ?? (await this.#encode(name, folder.changes.get(name)!, signal)))
    }
    folder.stored = await this.#writer().saveBlob('tree', utf8(encodeTree(nodes)))
    return folder.stored
  }

  async #encode(name: string, entry: Entry, signal: AbortSignal): Promise<string> {
    if (entry.kind === 'kept') return entry.json
    if (entry.kind === 'file') return encodeFile(name, { ...entry, content: idsOf(entry) })
    return withSubtree(entry.json, await this.#store(entry, signal))
  }

  async #find(path: TreePath, signal: AbortSignal): Promise<Entry | undefined> {
    let entry: Entry | undefined = this.#root
    for (const name of path) {
      if (entry?.kind !== 'folder') return undefined
      entry = await this.#child(entry, name, signal)
    }
    return entry
  }

  async #child(folder: Folder, name: string, signal: AbortSignal): Promise<Entry | undefined> {
    const changed = folder.changes.get(name)
    if (changed !== undefined) return changed
    const node = (await this.#stored.load(folder.base, signal)).find(name)
    return node && openNode(node, this.#changes)
  }

  /** The folder that is about to change at this path: made if missing, and marked on the way down. */
  async #placeFor(path: TreePath, signal: AbortSignal): Promise<Place> {
    const parents: Folder[] = [this.#root]
    for (const name of path.slice(0, -1)) {
      const child = (await this.#child(parents.at(-1)!, name, signal)) ?? this.#newFolder(name)
      if (child.kind !== 'folder') throw badPath(path, `leads through ${JSON.stringify(name)}, which is no folder`)
      parents.push(child)
    }
    for (const [depth, parent] of parents.entries()) {
      parent.stored = undefined
      if (depth > 0) parents[depth - 1]!.changes.set(path[depth - 1]!, parent)
    }
    return { folder: parents.at(-1)!, name: path.at(-1)! }
  }

  #newFolder(name: string): Folder {
    const modifiedMs = this.#writer().clock.nowMs()
    return openFolder(
      encodeFolder(name, { subtree: NO_SUBTREE, modifiedMs, mode: FOLDER_MODE }),
      undefined,
      this.#changes,
    )
  }

  #writer(): RepositoryWriter {
    assert(this.#source instanceof RepositoryWriter, 'A tree on a repository can only be read')
    return this.#source
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#turn
    const done = Promise.withResolvers<void>()
    this.#turn = done.promise
    await before
    try {
      return await work()
    } finally {
      done.resolve()
    }
  }
}

/** Loads a blob while the one before it is in use. A failure comes when it is that blob's turn. */
async function* oneAhead(
  ids: readonly BlobId[],
  load: (id: BlobId) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let before: Promise<Uint8Array> | undefined
  for (const id of ids) {
    const loading = load(id)
    loading.catch(() => {})
    if (before !== undefined) yield await before
    before = loading
  }
  if (before !== undefined) yield await before
}

/** Where something is, or is to be. */
interface Place {
  readonly folder: Folder
  readonly name: string
}

/** All names of a folder in their order, with the stored node of those over which nothing has changed. */
function* laidOver({ changes }: Folder, stored: StoredTree): Generator<{ name: string; node: string | undefined }> {
  const changed = [...changes.names()].sort(compareNames)
  let next = 0
  for (const { name, json } of stored.nodes()) {
    while (next < changed.length && compareNames(changed[next]!, name) < 0) {
      yield { name: changed[next++]!, node: undefined }
    }
    if (changed[next] !== name) yield { name, node: json }
  }
  for (const name of changed.slice(next)) yield { name, node: undefined }
}

/** Stands in the node of a folder that was never stored. */
const NO_SUBTREE = '0'.repeat(64) as Id

function checkPath(path: TreePath): void {
  if (path.length === 0) throw badPath(path, 'is the root')
  if (path.length > DEPTH_MAX) throw badPath(path.slice(0, 8), `and so on has ${path.length} parts`)
  for (const name of path) {
    const wrong = name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || !isName(name)
    if (wrong || isTooLong(name)) throw badPath(path, `has the impossible name ${JSON.stringify(name)}`)
  }
}

/** A unit of UTF-16 takes at most three bytes: most names need not be encoded to be known as short enough. */
function isTooLong(name: string): boolean {
  return name.length * 3 > NAME_BYTES_MAX && nameBytes(name).length > NAME_BYTES_MAX
}
