import { utf8 } from '../../../base/bytes.ts'
import type { Clock } from '../../../base/clock.ts'
import { AfcError } from './afc-error.ts'
import { FileBytes, MemoryBudget } from './file-bytes.ts'
import { FileLock } from './file-lock.ts'
import { STATUS } from './packet.ts'

/** A file of the media folder; it lives on after it was removed, for those who have it open. */
export interface MediaFile {
  readonly kind: 'file'
  readonly bytes: FileBytes
  readonly lock: FileLock
  readonly bornNs: bigint
  modifiedNs: bigint
}

export interface MediaFolder {
  readonly kind: 'folder'
  readonly children: Map<string, MediaNode>
  readonly bornNs: bigint
  modifiedNs: bigint
}

export interface MediaLink {
  readonly kind: 'link'
  readonly target: string
  readonly bornNs: bigint
  modifiedNs: bigint
}

export type MediaNode = MediaFile | MediaFolder | MediaLink

export interface MediaLimits {
  /** Of all files together. */
  readonly bytesMax: number
  /** Files, folders and links together. */
  readonly nodesMax: number
}

const LIMITS: MediaLimits = { bytesMax: 64 * 2 ** 20, nodesMax: 20_000 }
const NAME_BYTES_MAX = 255
const DEPTH_MAX = 64
const LINKS_FOLLOWED_MAX = 8

/** What AFC shows of the phone: a small media folder in memory, the same for all connections. Every failure is an `AfcError`. */
export class MediaTree {
  readonly root: MediaFolder
  readonly #clock: Clock
  readonly #budget: MemoryBudget
  #nodesLeft: number

  constructor({ clock, limits = LIMITS }: { clock: Clock; limits?: MediaLimits }) {
    this.#clock = clock
    this.#budget = new MemoryBudget(limits.bytesMax)
    this.#nodesLeft = limits.nodesMax
    this.root = this.#newFolder()
  }

  /** The node at a path; links on the way are followed, and the last one too unless told otherwise. */
  find(path: string, { followLast = true }: { followLast?: boolean } = {}): MediaNode {
    const node = this.#walk(partsOf(path), { followLast, hops: 0 })
    if (node === undefined) throw new AfcError(STATUS.notFound)
    return node
  }

  findFolder(path: string): MediaFolder {
    const node = this.find(path)
    if (node.kind !== 'folder') throw new AfcError(STATUS.invalidArgument)
    return node
  }

  findFile(path: string): MediaFile {
    const node = this.find(path)
    if (node.kind === 'folder') throw new AfcError(STATUS.isFolder)
    if (node.kind === 'link') throw new AfcError(STATUS.notFound)
    return node
  }

  /** The file at a path, made if there is none. */
  makeFile(path: string): MediaFile {
    const existing = this.#walk(partsOf(path), { followLast: true, hops: 0 })
    if (existing !== undefined) return this.findFile(path)
    const file: MediaFile = {
      kind: 'file',
      bytes: new FileBytes(this.#budget),
      lock: new FileLock(),
      ...this.#newTimes(),
    }
    this.#add(path, file)
    return file
  }

  /** Makes the folder and its parents; one that exists is fine. */
  makeFolder(path: string): void {
    let folder = this.root
    for (const name of partsOf(path)) {
      const child = folder.children.get(name) ?? this.#addChild(folder, name, this.#newFolder())
      if (child.kind !== 'folder') throw new AfcError(STATUS.exists)
      folder = child
    }
  }

  makeLink({ target, path }: { target: string; path: string }): void {
    this.#add(path, { kind: 'link', target, ...this.#newTimes() })
  }

  /** Gives a file a second name. */
  makeHardLink({ target, path }: { target: string; path: string }): void {
    this.#add(path, this.findFile(target))
  }

  /** Removes a file, a link or an empty folder; with `all`, a folder with everything in it. */
  remove(path: string, { all }: { all: boolean }): void {
    const { folder, name } = this.#parentOf(path)
    const node = folder.children.get(name)
    if (node === undefined) throw new AfcError(STATUS.notFound)
    if (node.kind === 'folder' && node.children.size > 0 && !all) throw new AfcError(STATUS.unknown)
    folder.children.delete(name)
    this.#forget(node)
    this.touch(folder)
  }

  /** Moves a node; what was at the new path is replaced. A folder cannot move into itself. */
  rename({ from, to }: { from: string; to: string }): void {
    const source = this.#parentOf(from)
    const target = this.#parentOf(to)
    const node = source.folder.children.get(source.name)
    if (node === undefined) throw new AfcError(STATUS.notFound)
    if (node.kind === 'folder' && isInside(target.folder, node)) throw new AfcError(STATUS.invalidArgument)
    const replaced = target.folder.children.get(target.name)
    if (replaced === node) return
    source.folder.children.delete(source.name)
    if (replaced !== undefined) this.#forget(replaced)
    target.folder.children.set(target.name, node)
    this.touch(source.folder)
    this.touch(target.folder)
  }

  touch(node: MediaNode): void {
    node.modifiedNs = toNs(this.#clock.nowMs())
  }

  #newFolder(): MediaFolder {
    return { kind: 'folder', children: new Map(), ...this.#newTimes() }
  }

  #newTimes(): { bornNs: bigint; modifiedNs: bigint } {
    const nowNs = toNs(this.#clock.nowMs())
    return { bornNs: nowNs, modifiedNs: nowNs }
  }

  #add(path: string, node: MediaNode): void {
    const { folder, name } = this.#parentOf(path)
    if (folder.children.has(name)) throw new AfcError(STATUS.exists)
    this.#addChild(folder, name, node)
  }

  #addChild(folder: MediaFolder, name: string, node: MediaNode): MediaNode {
    if (this.#nodesLeft === 0) throw new AfcError(STATUS.noSpace)
    this.#nodesLeft--
    if (node.kind === 'file') node.bytes.retain()
    folder.children.set(name, node)
    this.touch(folder)
    return node
  }

  /** Counts a node as gone, with all it holds. Not recursive: renames can nest folders deeper than a path may name. */
  #forget(node: MediaNode): void {
    const gone = [node]
    for (let next = gone.pop(); next !== undefined; next = gone.pop()) {
      this.#nodesLeft++
      if (next.kind === 'file') next.bytes.release()
      if (next.kind === 'folder') gone.push(...next.children.values())
    }
  }

  #parentOf(path: string): { folder: MediaFolder; name: string } {
    const parts = partsOf(path)
    const name = parts.pop()
    if (name === undefined) throw new AfcError(STATUS.invalidArgument)
    const folder = this.#walk(parts, { followLast: true, hops: 0 })
    if (folder?.kind !== 'folder') throw new AfcError(STATUS.notFound)
    return { folder, name }
  }

  #walk(parts: readonly string[], { followLast, hops }: { followLast: boolean; hops: number }): MediaNode | undefined {
    let node: MediaNode = this.root
    for (const [index, name] of parts.entries()) {
      const child: MediaNode | undefined = node.kind === 'folder' ? node.children.get(name) : undefined
      if (child === undefined) return undefined
      const isLast = index === parts.length - 1
      if (child.kind === 'link' && (followLast || !isLast)) {
        if (hops === LINKS_FOLLOWED_MAX) return undefined
        const target = targetParts(parts.slice(0, index), child.target)
        return this.#walk([...target, ...parts.slice(index + 1)], { followLast, hops: hops + 1 })
      }
      node = child
    }
    return node
  }
}

/** The names in a path. There is nothing above the root: `..` there stays there. */
function partsOf(path: string): string[] {
  const parts: string[] = []
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    if (name === '..') parts.pop()
    else parts.push(name)
    if (utf8(name).length > NAME_BYTES_MAX || parts.length > DEPTH_MAX) throw new AfcError(STATUS.invalidArgument)
  }
  return parts
}

function targetParts(folder: readonly string[], target: string): string[] {
  return partsOf(target.startsWith('/') ? target : [...folder, target].join('/'))
}

function isInside(folder: MediaFolder, outer: MediaFolder): boolean {
  const open = [outer]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === folder) return true
    for (const child of next.children.values()) if (child.kind === 'folder') open.push(child)
  }
  return false
}

function toNs(ms: number): bigint {
  return BigInt(Math.floor(ms)) * 1_000_000n
}
