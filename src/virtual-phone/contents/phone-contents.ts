import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { concatBytes } from '../../base/bytes.ts'
import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { type ChangeCounts, changeContents } from './change.ts'
import { type Entry, type PhoneApp, type PhoneIdentity, PLAIN_FILE, PLAIN_FOLDER, type Place } from './entry.ts'
import { noSuchFile } from './errors.ts'
import type { FileStore } from './file-store.ts'
import { entryOf, type NewEntry, type Node, nodeOf } from './node.ts'
import { literal, type Source } from './source.ts'

export interface ContentsTotals {
  readonly files: number
  readonly folders: number
  readonly links: number
  /** Of all files together. */
  readonly bytes: number
}

export interface ContentsOptions {
  readonly identity: PhoneIdentity
  readonly apps: readonly Omit<PhoneApp, 'dynamicBytes'>[]
  readonly clock: Clock
}

interface Domain {
  readonly nodes: Map<string, Node>
  bytes: number
}

/**
 * The file system of a virtual phone. Every entry's parents exist as folders, up to the root row of its domain. Bytes are made
 * or read while somebody asks for them; in memory is only what `stat` tells (about 250 bytes an entry).
 * Every edit gives a later modification time, in whole seconds, as a backup compares nothing else. Disposing removes from this
 * machine what restores have brought; other contents need not be disposed.
 */
export class PhoneContents implements AsyncDisposable {
  readonly identity: PhoneIdentity
  /** What is odd about these contents, one sentence each. */
  notes: readonly string[] = []
  #apps: ContentsOptions['apps']
  readonly #clock: Clock
  readonly #domains = new Map<string, Domain>()
  readonly #count = { file: 0, folder: 0, link: 0 }
  #nextInode = 1_000
  #revision = { edits: 0, newestS: 0 }
  /** Where the bytes are that restores have brought. */
  readonly #stores = new Set<FileStore>()

  constructor({ identity, apps, clock }: ContentsOptions) {
    this.identity = identity
    this.#apps = apps
    this.#clock = clock
  }

  get apps(): readonly PhoneApp[] {
    return this.#apps.map((app) => ({
      ...app,
      dynamicBytes: this.#domains.get(`AppDomain-${app.bundleId}`)?.bytes ?? 0,
    }))
  }

  get totals(): ContentsTotals {
    let bytes = 0
    for (const domain of this.#domains.values()) bytes += domain.bytes
    return { files: this.#count.file, folders: this.#count.folder, links: this.#count.link, bytes }
  }

  /** How often these contents were edited, and the newest time in them: the same for the same history, from second to second. */
  get revision(): { readonly edits: number; readonly newestS: number } {
    return this.#revision
  }

  /** Everything on the phone, domain by domain. Edits during the iteration are seen or not seen, but do not break it. */
  *entries(): Generator<Entry> {
    for (const [domain, { nodes }] of this.#domains) {
      for (const [relativePath, node] of nodes) yield entryOf({ domain, relativePath }, node)
    }
  }

  find(place: Place): Entry | undefined {
    const node = this.#nodeAt(place)
    return node && entryOf(place, node)
  }

  /** The bytes of a file, in blocks of 1 to 256 KiB. Throws `virtual-phone.no-such-file` when there is none. */
  read(place: Place, options: WaitOptions): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    const { node, source } = this.#fileAt(place)
    return source.blocks(node, options)
  }

  /** Adds or replaces an entry as it is told, with its parents; for those who open contents. Edits use `write` and the others. */
  put(entry: NewEntry): void {
    const domain = this.#domainOf(entry.domain, entry.modifiedS)
    this.#makeParents(domain, entry)
    this.#set(domain, entry.relativePath, nodeOf(entry, entry.inode ?? this.#nextInode++))
  }

  /** Writes a whole file: new, or in place of what it held. */
  write(place: Place, bytes: Uint8Array): void {
    this.rewrite(place, { source: literal(bytes), seed: 0, size: bytes.length })
  }

  /** Like `write`, with bytes that are made when they are read. */
  rewrite(place: Place, content: { source: Source; seed: number; size: number }): void {
    assert(place.relativePath !== '', 'The root of a domain is a folder')
    const before = this.#nodeAt(place)
    assert(before?.traits.kind !== 'folder', 'A folder cannot be written')
    const nowS = this.#editAfter(before?.modifiedS)
    if (before === undefined) this.#touchParent(place, nowS)
    this.put({
      ...place,
      ...content,
      traits: before?.traits.kind === 'file' ? before.traits : PLAIN_FILE,
      modifiedS: nowS,
      bornS: before?.bornS ?? nowS,
      ...(before && { inode: before.inode }),
    })
  }

  /** Removes a file, link or folder with all it holds; false when there was nothing. */
  remove(place: Place): boolean {
    const node = this.#nodeAt(place)
    if (node === undefined) return false
    if (node.traits.kind === 'folder') this.#removeInside(place)
    this.#take(place)
    this.#touchParent(place, this.#editAfter())
    return true
  }

  /** Renames a file or link; its modification time stays, as on a real file system. What was at the new place is replaced. */
  move(from: Place, to: Place): void {
    const node = this.#nodeAt(from)
    if (node === undefined || node.traits.kind === 'folder') throw noSuchFile(from.domain, from.relativePath)
    assert(to.relativePath !== '', 'The root of a domain is a folder')
    const nowS = this.#editAfter()
    this.#take(from)
    const domain = this.#domainOf(to.domain, nowS)
    this.#makeParents(domain, { ...to, modifiedS: nowS })
    this.#set(domain, to.relativePath, { ...node, changedS: nowS })
    this.#touchParent(from, nowS)
    this.#touchParent(to, nowS)
  }

  /** Runs SQL on a database of the phone (held in memory meanwhile), as an app would that adds rows to it. */
  async editDatabase(place: Place, sql: string, { signal }: WaitOptions): Promise<void> {
    const blocks: Uint8Array[] = []
    for await (const block of this.read(place, { signal })) blocks.push(block)
    using database = new DatabaseSync(':memory:')
    database.deserialize(concatBytes(blocks))
    database.exec(sql)
    this.write(place, database.serialize())
  }

  /**
   * Takes over what a restore brought, at once: its entries replace what is at their places, domains for which `loses` is true
   * keep nothing else, and its apps are added. `store` holds the bytes and belongs to these contents from now on. Resolves
   * when the stores of which nothing is left have been removed.
   */
  async adopt(
    brought: PhoneContents,
    { store, loses }: { store: FileStore; loses: (domain: string) => boolean },
  ): Promise<void> {
    for (const domain of [...this.#domains.keys()].filter(loses)) this.#removeDomain(domain)
    for (const [name, { nodes }] of brought.#domains) {
      for (const [relativePath, node] of nodes) this.#replace({ domain: name, relativePath }, node)
    }
    const known = new Set(this.#apps.map(({ bundleId }) => bundleId))
    this.#apps = [...this.#apps, ...brought.#apps.filter(({ bundleId }) => !known.has(bundleId))]
    this.#revision.edits += 1
    this.#stores.add(store)
    await this.#removeUnusedStores()
  }

  /** Lets time pass on the phone: picks files by the seed and adds, rewrites, moves and removes as many as asked. */
  change(counts: ChangeCounts): void {
    changeContents(this, counts)
  }

  #nodeAt({ domain, relativePath }: Place): Node | undefined {
    return this.#domains.get(domain)?.nodes.get(relativePath)
  }

  #fileAt(place: Place): { node: Node; source: Source } {
    const node = this.#nodeAt(place)
    if (typeof node?.content !== 'object') throw noSuchFile(place.domain, place.relativePath)
    return { node, source: node.content }
  }

  #domainOf(name: string, modifiedS: number): Domain {
    const known = this.#domains.get(name)
    if (known !== undefined) return known
    const made: Domain = { nodes: new Map(), bytes: 0 }
    this.#domains.set(name, made)
    this.#addFolder(made, '', modifiedS)
    return made
  }

  #makeParents(domain: Domain, { relativePath, modifiedS }: { relativePath: string; modifiedS: number }): void {
    const missing: string[] = []
    for (let parent = parentOf(relativePath); !domain.nodes.has(parent); parent = parentOf(parent)) missing.push(parent)
    for (const parent of missing.reverse()) this.#addFolder(domain, parent, modifiedS)
  }

  #addFolder(domain: Domain, relativePath: string, modifiedS: number): void {
    const folder = { domain: '', relativePath, traits: PLAIN_FOLDER, modifiedS, folder: true as const }
    this.#set(domain, relativePath, nodeOf(folder, this.#nextInode++))
  }

  #set(domain: Domain, relativePath: string, node: Node): void {
    const before = domain.nodes.get(relativePath)
    if (before !== undefined) this.#uncount(domain, before)
    domain.nodes.set(relativePath, node)
    domain.bytes += node.size
    this.#count[node.traits.kind]++
    this.#revision.newestS = Math.max(this.#revision.newestS, node.changedS)
  }

  #uncount(domain: Domain, node: Node): void {
    domain.bytes -= node.size
    this.#count[node.traits.kind]--
  }

  #removeDomain(domain: string): void {
    this.#removeInside({ domain, relativePath: '' })
    this.#take({ domain, relativePath: '' })
  }

  #replace(place: Place, node: Node): void {
    const before = this.#nodeAt(place)
    if (before?.traits.kind === 'folder' && node.traits.kind !== 'folder') this.#removeInside(place)
    this.#set(this.#domainOf(place.domain, node.modifiedS), place.relativePath, node)
  }

  async #removeUnusedStores(): Promise<void> {
    const unwanted = new Set<Node['content']>(this.#stores)
    for (const { nodes } of this.#domains.values()) for (const { content } of nodes.values()) unwanted.delete(content)
    const unused = [...this.#stores].filter((store) => unwanted.has(store))
    for (const store of unused) this.#stores.delete(store)
    await Promise.all(unused.map((store) => store[Symbol.asyncDispose]()))
  }

  #removeInside({ domain, relativePath }: Place): void {
    const inside = relativePath === '' ? '' : `${relativePath}/`
    for (const path of [...(this.#domains.get(domain)?.nodes.keys() ?? [])]) {
      if (path !== relativePath && path.startsWith(inside)) this.#take({ domain, relativePath: path })
    }
  }

  /** Takes one node out, without what it holds; a domain without nodes is gone. */
  #take({ domain: name, relativePath }: Place): void {
    const domain = this.#domains.get(name)
    const node = domain?.nodes.get(relativePath)
    if (domain === undefined || node === undefined) return
    domain.nodes.delete(relativePath)
    this.#uncount(domain, node)
    if (domain.nodes.size === 0) this.#domains.delete(name)
  }

  #touchParent({ domain, relativePath }: Place, nowS: number): void {
    const parent = relativePath === '' ? undefined : this.#nodeAt({ domain, relativePath: parentOf(relativePath) })
    if (parent !== undefined) parent.modifiedS = Math.max(nowS, parent.modifiedS + 1)
  }

  /** The time of an edit: now, but later than what the edited file had. */
  #editAfter(beforeS = 0): number {
    const editedS = Math.max(Math.floor(this.#clock.nowMs() / 1000), beforeS + 1)
    this.#revision.edits += 1
    this.#revision.newestS = Math.max(this.#revision.newestS, editedS)
    return editedS
  }

  /** Removes what restores have brought from the disk of this machine: those files cannot be read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stores = [...this.#stores]
    this.#stores.clear()
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
  }
}

function parentOf(relativePath: string): string {
  const slash = relativePath.lastIndexOf('/')
  return slash === -1 ? '' : relativePath.slice(0, slash)
}
