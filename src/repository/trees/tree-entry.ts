import { damaged } from '../errors.ts'
import type { BlobId, Id } from '../format/id.ts'
import type { FileEntry } from './file-records.ts'
import { type ChangeStore, FolderChanges } from './folder-changes.ts'
import { decodeNode, decodeOwnFile, renameNode, type StoredNode, type TreeNode } from './tree.ts'

/** What a tree tells about one of its names. */
export interface TreeEntry {
  readonly name: string
  readonly kind: TreeNode['kind']
  /** 0 for everything but files. */
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Of a folder: the tree it is stored as; not there when it, or anything below it, was changed since. */
  readonly subtree?: Id
}

/** A node as it is stored, perhaps elsewhere, that an entry of ours cannot stand for. */
export interface KeptNode {
  readonly kind: 'kept'
  readonly json: string
}

/** An opened folder: what is stored, and over it what has changed since. */
export interface Folder {
  readonly kind: 'folder'
  /** Its node; the subtree in it is only right while nothing is changed. */
  json: string
  /** The stored tree that `changes` lie over; undefined when they are all there is. */
  base: Id | undefined
  readonly changes: FolderChanges
  /** The tree it is stored as; undefined when it, or anything below it, has changed since. */
  stored: Id | undefined
}

/** What stands behind a name. */
export type Entry = FileEntry | KeptNode | Folder

/** A stored node as an entry; a folder is opened, so that what lies below can be reached. */
export function openNode(stored: StoredNode, changes: ChangeStore): Entry {
  const own = decodeOwnFile(stored.json)
  if (own !== undefined) return own
  const node = decodeNode(stored, `The node ${JSON.stringify(stored.name)}`)
  const { json } = stored
  return node.kind === 'folder' ? openFolder(json, node.subtree, changes) : { kind: 'kept', json }
}

/** A folder in which nothing has changed yet; without a tree, one that was never stored. */
export function openFolder(json: string, tree: Id | undefined, changes: ChangeStore): Folder {
  return { kind: 'folder', json, base: tree, changes: new FolderChanges(changes), stored: tree }
}

/** A folder's node with another tree behind it. Throws `repo.damaged` for a node that is written as no known program does. */
export function withSubtree(json: string, subtree: Id): string {
  const changed = json.replace(/"subtree":"[0-9a-f]{64}"/, `"subtree":"${subtree}"`)
  const node = decodeNode({ name: '', json: changed }, 'A folder node')
  if (node.kind === 'folder' && node.subtree === subtree) return changed
  throw damaged('A folder node', 'the tree behind it cannot be replaced')
}

/** The entry under another name. A folder is changed in place: it has one place only. */
export function renamed(entry: Entry, name: string): Entry {
  if (entry.kind === 'file') return entry
  if (entry.kind === 'kept') return { ...entry, json: renameNode(entry.json, name) }
  entry.json = renameNode(entry.json, name)
  return entry
}

/** The blobs of a file. */
export function idsOf({ ids }: FileEntry): readonly BlobId[] {
  return Array.from({ length: ids.length / 64 }, (_, index) => ids.slice(index * 64, index * 64 + 64) as BlobId)
}

/** The blobs of a file; undefined if the entry is none. */
export function contentOf(entry: Entry): readonly BlobId[] | undefined {
  if (entry.kind === 'file') return idsOf(entry)
  if (entry.kind === 'folder') return undefined
  const node = decodeNode({ name: '', json: entry.json }, 'A file node')
  return node.kind === 'file' ? node.content : undefined
}

/** What `stat` and `list` tell. */
export function describe(name: string, entry: Entry): TreeEntry {
  if (entry.kind === 'file') return { name, kind: 'file', sizeBytes: entry.sizeBytes, modifiedMs: entry.modifiedMs }
  const stored = entry.kind === 'folder' && entry.stored !== undefined ? { subtree: entry.stored } : {}
  if (entry.json === '') return { name, kind: 'folder', sizeBytes: 0, modifiedMs: 0, ...stored }
  const node = decodeNode({ name, json: entry.json }, `The node ${JSON.stringify(name)}`)
  const sizeBytes = node.kind === 'file' ? node.sizeBytes : 0
  return { name, kind: node.kind, sizeBytes, modifiedMs: node.modifiedMs, ...stored }
}
