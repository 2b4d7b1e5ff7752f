import { hash } from 'node:crypto'
import { damaged } from './errors.ts'
import { SEAL_BYTES } from './format/crypto.ts'
import type { BlobId, Id } from './format/id.ts'
import type { BlobIndex, BlobLocation } from './indexes/blob-index.ts'
import { BlobMarks } from './indexes/blob-marks.ts'
import type { Repository } from './repository.ts'
import type { Snapshot } from './snapshots/snapshot.ts'
import { decodeNode, type StoredNode, StoredTree } from './trees/tree.ts'
import { markUsedBlobs } from './trees/used-blobs.ts'

/** What is counted, in restic's words. */
export const STATS_MODES = ['restore-size', 'files-by-contents', 'raw-data', 'blobs-per-file'] as const
export type StatsMode = (typeof STATS_MODES)[number]

/** restic's figures. `files` counts folders, too, as restic does. */
export interface Stats {
  readonly bytes: number
  readonly files: number
  readonly blobs: number
}

interface StatsOptions {
  readonly signal: AbortSignal
  /** Called for each tree that was read. */
  readonly onTree?: (() => void) | undefined
}

/**
 * Counts what the snapshots hold: `restore-size` what they would take when restored, each for itself; `files-by-contents` files that
 * differ; `raw-data` stored blobs; `blobs-per-file` blobs, again for each path that has them. Load the index before.
 * Memory: for the modes about files some 100 bytes for each file and folder that differs. Throws `repo.damaged`.
 */
export async function countStats(
  repository: Repository,
  snapshots: readonly Snapshot[],
  { mode, ...options }: StatsOptions & { readonly mode: StatsMode },
): Promise<Stats> {
  return await COUNTS[mode](repository, snapshots, options)
}

type Count = (repository: Repository, snapshots: readonly Snapshot[], options: StatsOptions) => Promise<Stats>

const COUNTS: Readonly<Record<StatsMode, Count>> = {
  'restore-size': countRestoreSize,
  'files-by-contents': countFilesByContents,
  'raw-data': countRawData,
  'blobs-per-file': countBlobsPerFile,
}

async function countRawData(
  repository: Repository,
  snapshots: readonly Snapshot[],
  options: StatsOptions,
): Promise<Stats> {
  const marks = new BlobMarks(repository.index)
  const trees = snapshots.map(({ tree }) => tree)
  await markUsedBlobs(repository, marks, trees, options)
  const amount = { bytes: 0, blobs: 0 }
  for (const [, blob] of firstCopies(repository.index)) if (marks.has(blob.type, blob.id)) addBlob(amount, blob)
  return { ...amount, files: 0 }
}

/** Several names of one file in a snapshot are hard links: it is restored once. */
async function countRestoreSize(
  repository: Repository,
  snapshots: readonly Snapshot[],
  options: StatsOptions,
): Promise<Stats> {
  const known = new Map<Id, Size | undefined>()
  const sum: Size = { files: 0, bytes: 0 }
  for (const [tree, { length }] of Map.groupBy(snapshots, ({ tree }) => tree)) {
    const unlinked = await sizeWithoutLinks(repository, tree, { ...options, known })
    const { files, bytes } = unlinked ?? (await sizeOf(repository, tree, options))
    addSize(sum, { files: files * length, bytes: bytes * length })
  }
  return { ...sum, blobs: 0 }
}

interface Size {
  files: number
  bytes: number
}

function addSize(sum: Size, { files, bytes }: Size): void {
  sum.files += files
  sum.bytes += bytes
}

/**
 * What is below a tree; undefined where files have inodes, as restic's have, so that some may be hard links. As a phone's have
 * none, a folder that many snapshots share is read once.
 */
async function sizeWithoutLinks(
  repository: Repository,
  tree: Id,
  options: StatsOptions & { readonly known: Map<Id, Size | undefined> },
): Promise<Size | undefined> {
  const { known, onTree } = options
  if (known.has(tree)) return known.get(tree)
  known.set(tree, undefined)
  const size: Size = { files: 0, bytes: 0 }
  for (const stored of await loadNodes(repository, tree, options.signal)) {
    if (inodeOf(stored.json) !== '') return undefined
    const node = decodeNode(stored, 'A node')
    addSize(size, { files: 1, bytes: node.kind === 'file' ? node.sizeBytes : 0 })
    if (node.kind !== 'folder') continue
    const below = await sizeWithoutLinks(repository, node.subtree, options)
    if (below === undefined) return undefined
    addSize(size, below)
  }
  onTree?.()
  known.set(tree, size)
  return size
}

/** What a snapshot takes that may have hard links. */
async function sizeOf(repository: Repository, tree: Id, options: StatsOptions): Promise<Size> {
  const size: Size = { files: 0, bytes: 0 }
  const inodes = new Set<string>()
  for await (const { inode, sizeBytes } of nodesBelow(repository, tree, options)) {
    addSize(size, { files: 1, bytes: inode === '' || !inodes.has(inode) ? sizeBytes : 0 })
    inodes.add(inode)
  }
  return size
}

async function countFilesByContents(
  repository: Repository,
  snapshots: readonly Snapshot[],
  options: StatsOptions,
): Promise<Stats> {
  const seen = new Set<string>()
  const passed = new Set<Id>()
  let bytes = 0
  for (const { tree } of snapshots) {
    for await (const { content, sizeBytes } of nodesBelow(repository, tree, { ...options, passed })) {
      if (addTo(seen, content)) bytes += sizeBytes
    }
  }
  return { files: seen.size, bytes, blobs: 0 }
}

/** Files are counted by path, and of each path the blobs that it has ever had, if no other file had the same content before. */
async function countBlobsPerFile(
  repository: Repository,
  snapshots: readonly Snapshot[],
  options: StatsOptions,
): Promise<Stats> {
  const contents = new Set<string>()
  const paths = new Set<string>()
  const pathsWithBlobs = new Set<string>()
  const passed = new Set<Id>()
  let bytes = 0
  for (const { tree } of snapshots) {
    for await (const { path, content } of nodesBelow(repository, tree, { ...options, passed })) {
      if (content.length === 0 || !addTo(contents, content)) continue
      addTo(paths, [path])
      for (const id of content) {
        if (addTo(pathsWithBlobs, [path, id])) bytes += plainBytes(repository, id)
      }
    }
  }
  return { files: paths.size, bytes, blobs: pathsWithBlobs.size }
}

function plainBytes({ index }: Repository, id: BlobId): number {
  const blob = index.find('data', id)
  if (blob === undefined) throw damaged(`The data blob ${id}`, 'a snapshot needs it, but no index lists it')
  return blob.uncompressedLength || blob.length - SEAL_BYTES
}

/** Keeps 16 bytes of a hash in place of the parts. True if they were not there before. */
function addTo(seen: Set<string>, parts: readonly string[]): boolean {
  const size = seen.size
  return seen.add(hash('sha256', parts.join('\0'), 'latin1').slice(0, 16)).size > size
}

/** A node of a snapshot, as far as it is counted. */
interface CountedNode {
  readonly path: string
  readonly sizeBytes: number
  readonly content: readonly BlobId[]
  /** As digits; empty where there is none. */
  readonly inode: string
}

/**
 * Everything below a tree, in restic's order: by name, and a folder's content right after it. What it has twice comes twice,
 * but for the trees in `passed`: what is below them comes only once, in one call or several.
 */
async function* nodesBelow(
  repository: Repository,
  root: Id,
  { signal, onTree, passed }: StatsOptions & { readonly passed?: Set<Id> },
): AsyncGenerator<CountedNode> {
  if (isPassed(root, passed)) return
  const open = [{ nodes: await loadNodes(repository, root, signal), path: '' }]
  for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
    const next = folder.nodes.next()
    if (next.done) {
      open.pop()
      onTree?.()
      continue
    }
    const node = decodeNode(next.value, 'A node')
    const path = `${folder.path}/${node.name}`
    const { content, sizeBytes } = node.kind === 'file' ? node : EMPTY
    yield { path, content, sizeBytes, inode: inodeOf(next.value.json) }
    if (node.kind !== 'folder' || isPassed(node.subtree, passed)) continue
    open.push({ nodes: await loadNodes(repository, node.subtree, signal), path })
  }
}

/** Notes that a tree is passed; true if it was before. */
function isPassed(tree: Id, passed: Set<Id> | undefined): boolean {
  if (passed === undefined) return false
  const isPassedBefore = passed.has(tree)
  passed.add(tree)
  return isPassedBefore
}

async function loadNodes(repository: Repository, tree: Id, signal: AbortSignal): Promise<Generator<StoredNode>> {
  return new StoredTree(await repository.loadBlob('tree', tree, { signal }), `The tree ${tree}`).nodes()
}

const EMPTY = { content: [], sizeBytes: 0 } as const

/** Digits, as a number might not hold it. */
function inodeOf(json: string): string {
  return /,"inode":(\d+),/.exec(json)?.[1] ?? ''
}

/** What one host's snapshots need. Bytes are those of stored blobs. */
export interface HostUse {
  readonly host: string
  readonly snapshots: number
  /** Needed by no other host: what would become free if this host's snapshots went. */
  readonly aloneBytes: number
  readonly aloneBlobs: number
  readonly sharedBytes: number
  readonly sharedBlobs: number
}

/** Belongs to more than one host. */
const SEVERAL = 0xffff

/** Tells what each host's snapshots need, alone and together with others. Load the index before. Memory: 2 bytes for each blob. */
export async function countHosts(
  repository: Repository,
  snapshots: readonly Snapshot[],
  options: StatsOptions,
): Promise<readonly HostUse[]> {
  const { index } = repository
  /** By the number of a blob's first copy: which host needs it, counted from 1. */
  const users = new Uint16Array(index.blobCount)
  const counts: { host: string; snapshots: number; all: Amount; alone: Amount }[] = []
  for (const [host, members] of Map.groupBy(snapshots, ({ hostname = '' }) => hostname)) {
    const marks = new BlobMarks(index)
    const trees = members.map(({ tree }) => tree)
    await markUsedBlobs(repository, marks, trees, options)
    const count = { host, snapshots: members.length, all: { bytes: 0, blobs: 0 }, alone: { bytes: 0, blobs: 0 } }
    counts.push(count)
    for (const [number, blob] of firstCopies(index)) {
      if (!marks.has(blob.type, blob.id)) continue
      addBlob(count.all, blob)
      users[number] = users[number] === 0 ? counts.length : SEVERAL
    }
  }
  for (const [number, blob] of firstCopies(index)) {
    const count = counts[users[number]! - 1]
    if (count !== undefined) addBlob(count.alone, blob)
  }
  return counts.map(({ host, snapshots: count, all, alone }) => ({
    host,
    snapshots: count,
    aloneBytes: alone.bytes,
    aloneBlobs: alone.blobs,
    sharedBytes: all.bytes - alone.bytes,
    sharedBlobs: all.blobs - alone.blobs,
  }))
}

interface Amount {
  bytes: number
  blobs: number
}

function addBlob(amount: Amount, { length }: BlobLocation): void {
  amount.bytes += length
  amount.blobs++
}

function* firstCopies(index: BlobIndex): Generator<readonly [number: number, blob: BlobLocation]> {
  let number = 0
  for (const blob of index.blobs()) {
    if (index.numberOf(blob.type, blob.id) === number) yield [number, blob]
    number++
  }
}
