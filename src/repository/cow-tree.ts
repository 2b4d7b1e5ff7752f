import assert from 'node:assert/strict'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { badPath } from './errors.ts'
import { isName } from './go-json.ts'
import type { BlobId, Id } from './id.ts'
import type { BlobSource, Repository } from './repository.ts'
import {
  compareNames,
  decodeNode,
  encodeFile,
  encodeFolder,
  encodeTree,
  renameNode,
  type StoredNode,
  splitTree,
  type TreeNode,
} from './tree.ts'
import { RepositoryWriter } from './writer.ts'

/** Names from the root down; never a path of the operating system. The root is the empty list. */
export type TreePath = readonly string[]

export interface TreeEntry {
  readonly name: string
  readonly kind: TreeNode['kind']
  /** 0 for everything but files. */
  readonly sizeBytes: number
  readonly modifiedMs: number
}

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
  /** As `move`, but the source stays. Costs no storage. */
  copy(from: TreePath, to: TreePath, options: SignalOption): Promise<boolean>
  /** With everything below. False when there was nothing. */
  remove(path: TreePath, options: SignalOption): Promise<boolean>
  /** Stores the changed folders, and resolves with the tree's id; unchanged folders keep theirs. Durable after `writer.flush`. */
  commit(options: SignalOption): Promise<Id>
}

/**
 * A tree over a stored one (or over nothing): changes are kept in memory, about 250 bytes a file, until `commit` writes them.
 * Opened on a repository it can be read, opened on a writer it can be changed.
 */
export function openTree(source: RepositoryWriter, root: Id | undefined): CowTree
export function openTree(source: Repository, root: Id | undefined): TreeReader
export function openTree(source: Repository | RepositoryWriter, root: Id | undefined): TreeReader {
  return new OverlayTree(source, root)
}

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const DEPTH_MAX = 255
const NAME_BYTES_MAX = 255

/** A changed file. Its ids are one text: an array for each of a million files would be most of the memory. */
interface ChangedFile {
  readonly kind: 'file'
  readonly ids: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly mode: number
}

/** A node as it is stored, perhaps elsewhere. */
interface KeptNode {
  readonly kind: 'kept'
  readonly json: string
}

/** An opened folder: what is stored, and over it what has changed since. */
interface Folder {
  readonly kind: 'folder'
  /** Its node; the subtree in it is only right while nothing is changed. */
  json: string
  base: Id | undefined
  /** Undefined stands for a name that was removed. */
  readonly changes: Map<string, Entry | undefined>
  /** True when it, or anything below it, must be stored anew. */
  changed: boolean
}

type Entry = ChangedFile | KeptNode | Folder

class OverlayTree implements CowTree {
  readonly #source: Repository | RepositoryWriter
  readonly #stored: StoredFolders
  readonly #root: Folder
  #turn: Promise<void> = Promise.resolve()

  constructor(source: Repository | RepositoryWriter, root: Id | undefined) {
    this.#source = source
    this.#stored = new StoredFolders(source)
    this.#root = { kind: 'folder', json: '', base: root, changes: new Map(), changed: root === undefined }
  }

  async stat(path: TreePath, { signal }: SignalOption): Promise<TreeEntry | undefined> {
    const entry = await this.#inTurn(() => this.#find(path, signal))
    return entry && describe(path.at(-1) ?? '', entry)
  }

  async *list(path: TreePath, { signal }: SignalOption): AsyncGenerator<TreeEntry> {
    const entries = await this.#inTurn(async () => {
      const folder = await this.#find(path, signal)
      return folder?.kind === 'folder' ? await this.#entriesOf(folder, signal) : []
    })
    for (const [name, entry] of entries) yield describe(name, entry)
  }

  async *readFile(path: TreePath, { signal }: SignalOption): AsyncGenerator<Uint8Array> {
    const entry = await this.#inTurn(() => this.#find(path, signal))
    const content = entry && contentOf(entry)
    if (content === undefined) throw badPath(path, 'is no file')
    for (const id of content) yield await this.#source.loadBlob('data', id, { signal })
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
    const entry: ChangedFile = { kind: 'file', ids: content.join(''), sizeBytes, modifiedMs, mode }
    await this.#inTurn(async () => {
      const { folder, name } = await this.#placeFor(path, signal)
      folder.changes.set(name, entry)
    })
  }

  async move(from: TreePath, to: TreePath, { signal }: SignalOption): Promise<boolean> {
    return await this.#relink(from, to, signal, async (entry) => {
      const { folder, name } = await this.#placeFor(from, signal)
      folder.changes.set(name, undefined)
      return entry
    })
  }

  async copy(from: TreePath, to: TreePath, { signal }: SignalOption): Promise<boolean> {
    return await this.#relink(from, to, signal, async (entry) => copyOf(entry))
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
      const { folder, name } = await this.#placeFor(path, signal)
      folder.changes.set(name, undefined)
      return true
    })
  }

  async commit({ signal }: SignalOption): Promise<Id> {
    return await this.#inTurn(() => this.#store(this.#root, signal))
  }

  async #store(folder: Folder, signal: AbortSignal): Promise<Id> {
    if (!folder.changed && folder.base !== undefined) return folder.base
    const nodes: string[] = []
    for (const [name, entry] of await this.#entriesOf(folder, signal))
      nodes.push(await this.#encode(name, entry, signal))
    folder.base = await this.#writer().saveBlob('tree', utf8(encodeTree(nodes)))
    folder.changes.clear()
    folder.changed = false
    return folder.base
  }

  async #encode(name: string, entry: Entry, signal: AbortSignal): Promise<string> {
    if (entry.kind === 'kept') return entry.json
    if (entry.kind === 'file') return encodeFile(name, { ...entry, content: idsOf(entry) })
    return withSubtree(entry.json, await this.#store(entry, signal))
  }

  /** All entries in their order. Stored ones are not decoded here, so a folder's node that nobody opened stays as it is. */
  async #entriesOf(folder: Folder, signal: AbortSignal): Promise<readonly (readonly [string, Entry])[]> {
    const entries = new Map<string, Entry>()
    for (const { name, json } of (await this.#stored.load(folder.base, signal)).values())
      entries.set(name, { kind: 'kept', json })
    for (const [name, entry] of folder.changes) {
      if (entry === undefined) entries.delete(name)
      else entries.set(name, entry)
    }
    return [...entries].sort(([left], [right]) => compareNames(left, right))
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
    if (folder.changes.has(name)) return folder.changes.get(name)
    const node = (await this.#stored.load(folder.base, signal)).get(name)
    return node && openNode(node)
  }

  /** The folder that is about to change at this path: made if missing, and marked on the way down. */
  async #placeFor(path: TreePath, signal: AbortSignal): Promise<{ readonly folder: Folder; readonly name: string }> {
    const parents: Folder[] = [this.#root]
    for (const name of path.slice(0, -1)) {
      const child = (await this.#child(parents.at(-1)!, name, signal)) ?? this.#newFolder(name)
      if (child.kind !== 'folder') throw badPath(path, `leads through ${JSON.stringify(name)}, which is no folder`)
      parents.push(child)
    }
    for (const [depth, parent] of parents.entries()) {
      parent.changed = true
      if (depth > 0) parents[depth - 1]!.changes.set(path[depth - 1]!, parent)
    }
    return { folder: parents.at(-1)!, name: path.at(-1)! }
  }

  #newFolder(name: string): Folder {
    const modifiedMs = this.#writer().clock.nowMs()
    const json = encodeFolder(name, { subtree: NO_SUBTREE, modifiedMs, mode: FOLDER_MODE })
    return { kind: 'folder', json, base: undefined, changes: new Map(), changed: true }
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

/** Stands in the node of a folder that was never stored. */
const NO_SUBTREE = '0'.repeat(64) as Id

function checkPath(path: TreePath): void {
  if (path.length === 0) throw badPath(path, 'is the root')
  if (path.length > DEPTH_MAX) throw badPath(path.slice(0, 8), `and so on has ${path.length} parts`)
  for (const name of path) {
    const wrong = name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || !isName(name)
    if (wrong || Buffer.byteLength(name) > NAME_BYTES_MAX)
      throw badPath(path, `has the impossible name ${JSON.stringify(name)}`)
  }
}

/** A stored node as an entry; a folder is opened, so that what lies below can be reached. */
function openNode(stored: StoredNode): Entry {
  const node = decodeNode(stored, `The node ${JSON.stringify(stored.name)}`)
  const json = unshared(stored.json)
  if (node.kind !== 'folder') return { kind: 'kept', json }
  return { kind: 'folder', json, base: node.subtree, changes: new Map(), changed: false }
}

/** A text of its own: a slice would keep the whole tree that it was cut from in memory. */
function unshared(text: string): string {
  return fromUtf8(utf8(text))
}

function withSubtree(json: string, subtree: Id): string {
  return json.replace(/"subtree":"[0-9a-f]{64}"/, `"subtree":"${subtree}"`)
}

function renamed(entry: Entry, name: string): Entry {
  if (entry.kind === 'file') return entry
  if (entry.kind === 'kept') return { ...entry, json: renameNode(entry.json, name) }
  entry.json = renameNode(entry.json, name)
  return entry
}

function copyOf(entry: Entry): Entry {
  if (entry.kind !== 'folder') return entry
  const changes = new Map([...entry.changes].map(([name, below]) => [name, below && copyOf(below)]))
  return { ...entry, changes }
}

function idsOf({ ids }: ChangedFile): readonly BlobId[] {
  return Array.from({ length: ids.length / 64 }, (_, index) => ids.slice(index * 64, index * 64 + 64) as BlobId)
}

function contentOf(entry: Entry): readonly BlobId[] | undefined {
  if (entry.kind === 'file') return idsOf(entry)
  if (entry.kind === 'folder') return undefined
  const node = decodeNode({ name: '', json: entry.json }, 'A file node')
  return node.kind === 'file' ? node.content : undefined
}

function describe(name: string, entry: Entry): TreeEntry {
  if (entry.kind === 'file') return { name, kind: 'file', sizeBytes: entry.sizeBytes, modifiedMs: entry.modifiedMs }
  if (entry.kind === 'folder' && entry.json === '') return { name, kind: 'folder', sizeBytes: 0, modifiedMs: 0 }
  const node = decodeNode({ name, json: entry.json }, `The node ${JSON.stringify(name)}`)
  return { name, kind: node.kind, sizeBytes: node.kind === 'file' ? node.sizeBytes : 0, modifiedMs: node.modifiedMs }
}

const CACHE_BYTES_MAX = 16 * 1024 * 1024

type StoredNodes = ReadonlyMap<string, StoredNode>

/** Stored folders as they are read, the most recent ones kept. */
class StoredFolders {
  readonly #source: BlobSource
  readonly #recent = new Map<Id, { readonly nodes: StoredNodes; readonly bytes: number }>()
  #bytes = 0

  constructor(source: BlobSource) {
    this.#source = source
  }

  /** By name, in their order; nothing for a folder that was never stored. */
  async load(id: Id | undefined, signal: AbortSignal): Promise<StoredNodes> {
    if (id === undefined) return NOTHING
    const known = this.#recent.get(id)
    if (known !== undefined) this.#forget(id)
    const folder = known ?? (await this.#read(id, signal))
    this.#recent.set(id, folder)
    this.#bytes += folder.bytes
    for (const oldest of this.#recent.keys()) {
      if (this.#bytes <= CACHE_BYTES_MAX || oldest === id) break
      this.#forget(oldest)
    }
    return folder.nodes
  }

  async #read(id: Id, signal: AbortSignal): Promise<{ readonly nodes: StoredNodes; readonly bytes: number }> {
    const bytes = await this.#source.loadBlob('tree', id, { signal })
    const nodes = splitTree(fromUtf8(bytes), `The tree ${id}`)
    return { nodes: new Map(nodes.map((node) => [node.name, node])), bytes: bytes.length }
  }

  #forget(id: Id): void {
    this.#bytes -= this.#recent.get(id)?.bytes ?? 0
    this.#recent.delete(id)
  }
}

const NOTHING: StoredNodes = new Map()
