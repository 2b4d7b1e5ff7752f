import { damaged } from './errors.ts'
import { goJson, goTime, nameBytes, nameOfBytes, quoteName, unquoteName } from './go-json.ts'
import type { BlobId, Id } from './id.ts'
import { type Fields, fieldsOf, parseJson } from './json.ts'

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
  if (/^\{"nodes":(null|\[\])\}\n?$/.test(text)) return []
  const nodes = cutNodes(text, what).map((json) => ({ name: nodeName(json, what), json }))
  for (let i = 1; i < nodes.length; i++) {
    if (compareNames(nodes[i - 1]!.name, nodes[i]!.name) >= 0) throw damaged(what, 'its names are not in order')
  }
  return nodes
}

const OPENING = '{"nodes":['
const QUOTE = 0x22
const BACKSLASH = 0x5c

function cutNodes(text: string, what: string): readonly string[] {
  if (!text.startsWith(OPENING)) throw damaged(what, 'it does not begin as a tree')
  const nodes: string[] = []
  for (let at = OPENING.length; ; at++) {
    const end = endOfObject(text, at)
    if (end === undefined) throw damaged(what, 'it ends in the middle of a node')
    nodes.push(text.slice(at, end))
    at = end
    if (text[at] !== ',') break
  }
  return nodes
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

function nodeName(json: string, what: string): string {
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
