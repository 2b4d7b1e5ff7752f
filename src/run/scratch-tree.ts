import assert from 'node:assert/strict'
import { badFrame } from '../base/channel.ts'
import type { BackupEntry } from '../device/index.ts'
import type { TreePath, TreeReader } from '../repository/index.ts'

interface SignalOption {
  readonly signal: AbortSignal
}

/** What stands at a path: something of the snapshot, which may be missing, or what the phone has made of it. */
type Place =
  | { readonly kind: 'stored'; readonly path: TreePath }
  | { readonly kind: 'written'; readonly bytes: Uint8Array }
  | ScratchFolder

/** A folder in which something has changed: undefined stands for a name that was removed. */
interface ScratchFolder {
  readonly kind: 'changed'
  /** The snapshot's folder below it, if there is one. */
  readonly base: TreePath | undefined
  readonly changes: Map<string, Place | undefined>
}

/** A phone writes nothing during a restore but, if it was told to copy its backup aside, a copy and one Info.plist. */
const WRITTEN_BYTES_MAX = 16 * 2 ** 20
const CHANGES_MAX = 10_000

/** A stored tree and, over it, changes that live in memory only. Too many of them are `wire.bad-frame`. One call at a time. */
export class ScratchTree {
  readonly #tree: TreeReader
  readonly #root: ScratchFolder
  #bytesLeft = WRITTEN_BYTES_MAX
  #changesLeft = CHANGES_MAX

  /** Its root has that one name, under which the tree's folder is seen. */
  constructor(tree: TreeReader, { name, folder }: { readonly name: string; readonly folder: TreePath }) {
    this.#tree = tree
    this.#root = { kind: 'changed', base: undefined, changes: new Map([[name, { kind: 'stored', path: folder }]]) }
  }

  get bytesLeft(): number {
    return this.#bytesLeft
  }

  /** A file's bytes; undefined when there is no such file. */
  async open(path: TreePath, { signal }: SignalOption): Promise<AsyncIterable<Uint8Array> | undefined> {
    const place = this.#find(path)
    if (place?.kind === 'written') return asIterable(place.bytes)
    if (place?.kind !== 'stored') return undefined
    const entry = await this.#tree.stat(place.path, { signal })
    return entry?.kind === 'file' ? this.#tree.readFile(place.path, { signal }) : undefined
  }

  /** Undefined when there is no such folder. */
  async list(path: TreePath, { signal }: SignalOption): Promise<readonly BackupEntry[] | undefined> {
    const place = this.#find(path)
    if (place === undefined || (await this.#kindOf(place, signal)) !== 'folder') return undefined
    const entries = new Map<string, BackupEntry>()
    const base = baseOf(place)
    if (base !== undefined) {
      for await (const { name, kind, sizeBytes, modifiedMs } of this.#tree.list(base, { signal })) {
        entries.set(name, { name, kind: kind === 'folder' ? 'folder' : 'file', sizeBytes, modifiedMs })
      }
    }
    if (place.kind === 'changed') await this.#overlay(entries, place.changes, signal)
    return [...entries.values()]
  }

  async #overlay(
    entries: Map<string, BackupEntry>,
    changes: ScratchFolder['changes'],
    signal: AbortSignal,
  ): Promise<void> {
    for (const [name, place] of changes) {
      const kind = place && (await this.#kindOf(place, signal))
      if (place === undefined || kind === undefined) entries.delete(name)
      else entries.set(name, { name, kind, sizeBytes: await this.#sizeOf(place, signal), modifiedMs: 0 })
    }
  }

  /** With its parents; one that is there stays as it is. */
  async makeFolder(path: TreePath, { signal }: SignalOption): Promise<void> {
    await this.#openFolder(path, signal)
  }

  /** Takes a file's bytes, in place of what was there. */
  async write(path: TreePath, blocks: AsyncIterable<Uint8Array>, { signal }: SignalOption): Promise<void> {
    const pieces: Uint8Array[] = []
    for await (const block of blocks) {
      this.#count({ bytes: block.length })
      pieces.push(block)
    }
    await this.#put(path, { kind: 'written', bytes: Buffer.concat(pieces) }, signal)
  }

  /** The folder at the path, made with its parents if it is missing, and ready to be changed. */
  async #openFolder(path: TreePath, signal: AbortSignal): Promise<ScratchFolder> {
    let folder = this.#root
    for (const [depth, name] of path.entries()) {
      const place = childOf(folder, name)
      if (place?.kind === 'changed') {
        folder = place
        continue
      }
      const kind = place && (await this.#kindOf(place, signal))
      if (kind === 'file')
        throw badFrame(`The phone writes below ${path.slice(0, depth + 1).join('/')}, which is a file`)
      const base = kind === 'folder' && place !== undefined ? baseOf(place) : undefined
      const opened: ScratchFolder = { kind: 'changed', base, changes: new Map() }
      this.#set(folder, name, opened)
      folder = opened
    }
    return folder
  }

  /** Puts something at the path, in place of what was there; undefined removes it. */
  async #put(path: TreePath, place: Place | undefined, signal: AbortSignal): Promise<void> {
    const name = path.at(-1)
    assert(name !== undefined, 'A path has at least one name')
    this.#set(await this.#openFolder(path.slice(0, -1), signal), name, place)
  }

  /** False when there is nothing to copy. */
  async copy(from: TreePath, to: TreePath, { signal }: SignalOption): Promise<boolean> {
    if (from.every((name, index) => name === to[index])) throw badFrame('The phone copies a folder into itself')
    const place = this.#find(from)
    if (place === undefined || (await this.#kindOf(place, signal)) === undefined) return false
    await this.#put(to, this.#clone(place), signal)
    return true
  }

  async remove(path: TreePath, { signal }: SignalOption): Promise<void> {
    const place = this.#find(path)
    if (place === undefined || (await this.#kindOf(place, signal)) === undefined) return
    await this.#put(path, undefined, signal)
  }

  #count({ bytes = 0, changes = 0 }: { readonly bytes?: number; readonly changes?: number }): void {
    this.#bytesLeft -= bytes
    this.#changesLeft -= changes
    if (this.#bytesLeft >= 0 && this.#changesLeft >= 0) return
    throw badFrame('The phone writes more than it has reason to while it is being restored')
  }

  #find(path: TreePath): Place | undefined {
    let place: Place | undefined = this.#root
    for (const name of path) {
      if (place === undefined) return undefined
      place = childOf(place, name)
    }
    return place
  }

  #set(folder: ScratchFolder, name: string, place: Place | undefined): void {
    this.#count({ changes: 1 })
    folder.changes.set(name, place)
  }

  /** What is stored or written never changes, so only folders need to be told apart. */
  #clone(place: Place): Place {
    if (place.kind !== 'changed') return place
    this.#count({ changes: place.changes.size })
    const changes = [...place.changes].map(([name, below]) => [name, below && this.#clone(below)] as const)
    return { ...place, changes: new Map(changes) }
  }

  async #kindOf(place: Place, signal: AbortSignal): Promise<BackupEntry['kind'] | undefined> {
    if (place.kind === 'changed') return 'folder'
    if (place.kind === 'written') return 'file'
    const kind = (await this.#tree.stat(place.path, { signal }))?.kind
    return kind === undefined || kind === 'folder' ? kind : 'file'
  }

  async #sizeOf(place: Place, signal: AbortSignal): Promise<number> {
    if (place.kind === 'changed') return 0
    if (place.kind === 'written') return place.bytes.length
    return (await this.#tree.stat(place.path, { signal }))?.sizeBytes ?? 0
  }
}

function childOf(place: Place, name: string): Place | undefined {
  if (place.kind === 'written') return undefined
  if (place.kind === 'changed' && place.changes.has(name)) return place.changes.get(name)
  const base = baseOf(place)
  return base && { kind: 'stored', path: [...base, name] }
}

function baseOf(place: Place): TreePath | undefined {
  if (place.kind === 'written') return undefined
  return place.kind === 'stored' ? place.path : place.base
}

async function* asIterable(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
