import { damaged } from '../errors.ts'
import { goJson, goTime, nameBytes, nameOfBytes, quoteName, unquoteName } from '../format/go-json.ts'
import { type BlobId, type Id, parseId } from '../format/id.ts'
import { type Fields, fieldsOf, parseJson } from '../format/json.ts'
import type { FileEntry } from './file-records.ts'

/** A file as a tree stores it. */
export interface FileNode {
  readonly content: readonly BlobId[]
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Permission bits. */
  readonly mode: number
}

/** A folder as a tree stores it. */
export interface FolderNode {
  readonly subtree: Id
  readonly modifiedMs: number
  /** Permission bits. */
  readonly mode: number
}

/** A node of any program's tree, as far as we look at it. */
export type TreeNode = { readonly name: string; readonly modifiedMs: number; readonly mode: number } & (
  | { readonly kind: 'file'; readonly content: readonly BlobId[]; readonly sizeBytes: number }
  | { readonly kind: 'folder'; readonly subtree: Id }
  | { readonly kind: 'symlink'; readonly linkTarget: string }
  | { readonly kind: 'other' }
)

/** Go's mark for a folder in a mode. */
const MODE_FOLDER = 2 ** 31

/** Fields in restic's order, so that restic writes the same bytes again. Source: docs/protocol/restic-repository.md#tree. */
export function encodeFile(name: string, { content, sizeBytes, modifiedMs, mode }: FileNode): string {
  const size = sizeBytes === 0 ? undefined : sizeBytes
  return goJson({ ...head(name, 'file', mode, modifiedMs), size, content })
}

/**
 * Reads a file's node if it is exactly what `encodeFile` writes for what this gives; undefined for any other. Nearly all nodes
 * are, and this takes a fraction of the time of `decodeNode`.
 */
export function decodeOwnFile(json: string): FileEntry | undefined {
  const head = OWN_FILE_HEAD.exec(json)
  if (head === null || !json.endsWith(OWN_FILE_TAIL)) return undefined
  const [{ length }, mode = '', time = '', size = '0'] = head
  const modifiedMs = Date.parse(time)
  const ids = joinedIds(json.slice(length, -OWN_FILE_TAIL.length))
  if (Number(mode) > 0o777 || ids === undefined || Number.isNaN(modifiedMs) || goTime(modifiedMs) !== time)
    return undefined
  return { kind: 'file', ids, sizeBytes: Number(size), modifiedMs, mode: Number(mode) }
}

/** A name that needs no escapes, and numbers without leading zeros. */
const OWN_FILE_HEAD =
  /^\{"name":"[\w.-]+","type":"file","mode":([1-9]\d{0,2}),"mtime":"(\d{4}-[^"]{15,19})","atime":"\2","ctime":"\2","uid":0,"gid":0,(?:"size":([1-9]\d{0,14}),)?"content":\[/
const OWN_FILE_TAIL = ']}'

/** What stands in a list of ids, without what is between them; undefined if it is no such list. */
function joinedIds(list: string): string | undefined {
  if (list === '') return ''
  if (!list.startsWith('"') || !list.endsWith('"')) return undefined
  const ids = list.slice(1, -1).split('","')
  return ids.every((id) => parseId(id) !== undefined) ? ids.join('') : undefined
}

/** As `encodeFile`. */
export function encodeFolder(name: string, { subtree, modifiedMs, mode }: FolderNode): string {
  return goJson({ ...head(name, 'dir', mode + MODE_FOLDER, modifiedMs), content: null, subtree })
}

function head(name: string, type: string, mode: number, modifiedMs: number): object {
  const time = goTime(modifiedMs)
  return { name: quoteName(name), type, mode: mode || undefined, mtime: time, atime: time, ctime: time, uid: 0, gid: 0 }
}

/** A tree blob of encoded nodes, which must be in ascending order of their names' bytes. */
export function encodeTree(nodes: readonly string[]): string {
  return `{"nodes":[${nodes.join(',')}]}\n`
}

/** One node of a stored tree: its name, and its JSON exactly as stored. */
export interface StoredNode {
  readonly name: string
  readonly json: string
}

/**
 * Cuts a tree into its nodes without changing a byte of them, so that what we do not know survives. Throws `repo.damaged`, also
 * for names that are out of order or double.
 */
export function splitTree(text: string, what: string): readonly StoredNode[] {
  if (EMPTY_TREE.test(text)) return []
  const nodes = cutNodes(text, what).map((json) => ({ name: nodeName(json, what), json }))
  checkOrder(nodes, what)
  return nodes
}

function checkOrder(nodes: Iterable<StoredNode>, what: string): void {
  let before: string | undefined
  for (const { name } of nodes) {
    if (before !== undefined && compareNames(before, name) >= 0) throw damaged(what, 'its names are not in order')
    before = name
  }
}

const EMPTY_TREE = /^\{"nodes":(null|\[\])\}\n?$/

/**
 * A stored tree that is kept as the bytes it is, and a node of it found by halving: little more memory than its size, where the
 * nodes as objects would take several times that. Throws `repo.damaged` as `splitTree` does.
 */
export class StoredTree {
  readonly bytes: number
  readonly #tree: Buffer
  /** Where each node begins and ends. */
  readonly #bounds: Uint32Array
  readonly #what: string

  constructor(tree: Uint8Array, what: string) {
    this.#tree = Buffer.from(tree.buffer, tree.byteOffset, tree.byteLength)
    this.#what = what
    this.bytes = tree.length
    // In Latin-1 every byte is one character, so that places in the text are places in the bytes.
    const text = this.#tree.toString('latin1')
    this.#bounds = Uint32Array.from(EMPTY_TREE.test(text) ? [] : boundsOfNodes(text, what))
    checkOrder(this.nodes(), what)
  }

  /** In the order of the names' bytes. */
  *nodes(): Generator<StoredNode> {
    for (let index = 0; index < this.#bounds.length / 2; index++) yield this.#nodeAt(index)
  }

  find(name: string): StoredNode | undefined {
    let low = 0
    let high = this.#bounds.length / 2
    while (low < high) {
      const middle = (low + high) >>> 1
      const node = this.#nodeAt(middle)
      const order = compareNames(node.name, name)
      if (order === 0) return node
      if (order < 0) low = middle + 1
      else high = middle
    }
    return undefined
  }

  #nodeAt(index: number): StoredNode {
    const json = this.#tree.toString('utf8', this.#bounds[2 * index], this.#bounds[2 * index + 1])
    return { name: nodeName(json, this.#what), json }
  }
}

const OPENING = '{"nodes":['
const QUOTE = 0x22
const BACKSLASH = 0x5c

function cutNodes(text: string, what: string): readonly string[] {
  const bounds = boundsOfNodes(text, what)
  return Array.from({ length: bounds.length / 2 }, (_, index) => text.slice(bounds[2 * index], bounds[2 * index + 1]))
}

/** Where each node begins and ends. */
function boundsOfNodes(text: string, what: string): readonly number[] {
  if (!text.startsWith(OPENING)) throw damaged(what, 'it does not begin as a tree')
  const bounds: number[] = []
  for (let at = OPENING.length; ; at++) {
    const end = endOfObject(text, at)
    if (end === undefined) throw damaged(what, 'it ends in the middle of a node')
    bounds.push(at, end)
    at = end
    if (text[at] !== ',') break
  }
  return bounds
}

/** Where the JSON object ends that begins here; undefined if none does. */
function endOfObject(text: string, start: number): number | undefined {
  if (text[start] !== '{') return undefined
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === 0x7b || code === 0x5b) depth++
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1
  }
  return undefined
}

/** Where the closing quote is. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}

/** Every known writer puts the name first. */
const NAME = /^\{"name":("(?:[^"\\]|\\.)*")/
/** The same, where nothing is escaped. */
const PLAIN_NAME = /^\{"name":"([ !#-[\]-~]+)"/

function nodeName(json: string, what: string): string {
  const plain = PLAIN_NAME.exec(json)?.[1]
  if (plain !== undefined) return plain
  const literal = NAME.exec(json)?.[1]
  const name = literal && unquoteName(String(parseJson(literal, what)))
  if (name === undefined) throw damaged(what, 'it has a node without a proper name')
  return name
}

/** The same node under another name. */
export function renameNode(json: string, name: string): string {
  return json.replace(NAME, () => `{"name":${goJson(quoteName(name))}`)
}

/** Names in a tree ascend by their bytes, which is not the order of UTF-16. */
export function compareNames(left: string, right: string): number {
  if (ASCII.test(left) && ASCII.test(right)) return left < right ? -1 : left > right ? 1 : 0
  return Buffer.compare(nameBytes(left), nameBytes(right))
}

const ASCII = /^[\0-\x7f]*$/

/** Reads one node. Throws `repo.damaged`. */
export function decodeNode({ name, json }: StoredNode, what: string): TreeNode {
  const fields = fieldsOf(parseJson(json, what), what)
  const mode = fields.optional('mode', (from) => from.count('mode')) ?? 0
  const common = { name, modifiedMs: Date.parse(fields.text('mtime')) || 0, mode: mode & 0o777 }
  switch (fields.text('type')) {
    case 'file':
      return { ...common, kind: 'file', ...decodeContent(fields, what) }
    case 'dir':
      return { ...common, kind: 'folder', subtree: fields.id('subtree') }
    case 'symlink':
      return { ...common, kind: 'symlink', linkTarget: decodeLinkTarget(fields) }
    default:
      return { ...common, kind: 'other' }
  }
}

function decodeContent(fields: Fields, what: string): { content: readonly BlobId[]; sizeBytes: number } {
  const list = fields.optional('content', (from) => from.list('content')) ?? []
  const content = list.map((id) => fieldsOf({ id }, `${what}, a file's content`).id('id'))
  return { content, sizeBytes: fields.optional('size', (from) => from.count('size')) ?? 0 }
}

/** `linktarget_raw` is there when the target is not UTF-8. */
function decodeLinkTarget(fields: Fields): string {
  const raw = fields.optional('linktarget_raw', (from) => from.text('linktarget_raw'))
  if (raw === undefined) return fields.text('linktarget')
  return nameOfBytes(Buffer.from(raw, 'base64'))
}
