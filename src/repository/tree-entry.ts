import { damaged } from './errors.ts'
import type { BlobId, Id } from './id.ts'
import { decodeNode, renameNode, type StoredNode, type TreeNode } from './tree.ts'

/** What a tree tells about one of its names. */
export interface TreeEntry {
  readonly name: string
  readonly kind: TreeNode['kind']
  /** 0 for everything but files. */
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** A changed file. Its ids are one text: an array for each of a million files would be most of the memory. */
export interface ChangedFile {
  readonly kind: 'file'
  readonly ids: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly mode: number
}

/** A node as it is stored, perhaps elsewhere. */
export interface KeptNode {
  readonly kind: 'kept'
  readonly json: string
}

/** An opened folder: what is stored, and over it what has changed since. */
export interface Folder {
  readonly kind: 'folder'
  /** Its node; the subtree in it is only right while nothing is changed. */
  json: string
  readonly base: Id | undefined
  /** Undefined stands for a name that was removed. */
  readonly changes: Map<string, Entry | undefined>
  /** The tree it is stored as; undefined when it, or anything below it, has changed since. */
  stored: Id | undefined
}

/** What stands behind a name. */
export type Entry = ChangedFile | KeptNode | Folder

/** A stored node as an entry; a folder is opened, so that what lies below can be reached. */
export function openNode(stored: StoredNode): Entry {
  const node = decodeNode(stored, `The node ${JSON.stringify(stored.name)}`)
  const { json } = stored
  return node.kind === 'folder' ? openFolder(json, node.subtree) : { kind: 'kept', json }
}

/** A folder in which nothing has changed yet; without a tree, one that was never stored. */
export function openFolder(json: string, tree: Id | undefined): Folder {
  return { kind: 'folder', json, base: tree, changes: new Map(), stored: tree }
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
export function idsOf({ ids }: ChangedFile): readonly BlobId[] {
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
  if (entry.kind === 'folder' && entry.json === '') return { name, kind: 'folder', sizeBytes: 0, modifiedMs: 0 }
  const node = decodeNode({ name, json: entry.json }, `The node ${JSON.stringify(name)}`)
  return { name, kind: node.kind, sizeBytes: node.kind === 'file' ? node.sizeBytes : 0, modifiedMs: node.modifiedMs }
}
