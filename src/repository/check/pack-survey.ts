import { pathOf } from '../backend/backend.ts'
import { type Id, sha256 } from '../format/id.ts'
import { BlobIndex } from '../indexes/blob-index.ts'
import { decodeIndexFile, type IndexedPack } from '../indexes/index-file.ts'
import { encodeHeader, packBytes } from '../packs/pack.ts'
import type { Repository } from '../repository.ts'

/** What the index files say of one pack. */
export interface ListedPack {
  readonly sizeBytes: number
  /** Of the plain header that belongs to these blobs. */
  readonly headerHash: Id
}

/** What is wrong with an index file or with a pack, as far as can be seen without reading the pack. */
export type PackFault =
  | { readonly kind: 'index-damaged'; readonly indexId: Id; readonly error: unknown }
  /** The pack stands in another index file as well. */
  | { readonly kind: 'index-duplicate'; readonly indexId: Id; readonly packId: Id }
  /** The pack stands in another index file with other contents. */
  | { readonly kind: 'index-conflict'; readonly indexId: Id; readonly packId: Id }
  | { readonly kind: 'pack-missing'; readonly packId: Id }
  | { readonly kind: 'pack-size'; readonly packId: Id; readonly sizeBytes: number; readonly listedBytes: number }
  /** No index file lists it; `isMarked` if another program is about to delete it. */
  | { readonly kind: 'pack-unlisted'; readonly packId: Id; readonly sizeBytes: number; readonly isMarked: boolean }

/** The packs of a repository: those that are listed beside those that are there. About 200 bytes of memory a pack. */
export interface PackSurvey {
  /** Of all index files that can be read; the first listing of a pack counts. */
  readonly index: BlobIndex
  readonly listed: ReadonlyMap<Id, ListedPack>
  /** Every pack that is there, and how large it is. */
  readonly stored: ReadonlyMap<Id, number>
  readonly faults: readonly PackFault[]
}

/** Reads every index file and lists every pack. What is wrong comes back as faults; it throws what listing a folder throws. */
export async function surveyPacks(
  repository: Repository,
  { signal }: { readonly signal: AbortSignal },
): Promise<PackSurvey> {
  const index = new BlobIndex()
  const listed = new Map<Id, ListedPack>()
  const marked = new Set<Id>()
  const faults: PackFault[] = []
  for await (const { id } of repository.backend.list('index', { signal })) {
    try {
      const text = await repository.loadUnpacked('index', id, { signal })
      if (text === undefined) continue
      const { packs, packsToDelete } = decodeIndexFile(text, pathOf({ kind: 'index', id }))
      for (const pack of packs) faults.push(...addListing({ index, listed }, pack, id))
      for (const packId of packsToDelete) marked.add(packId)
    } catch (error) {
      signal.throwIfAborted()
      faults.push({ kind: 'index-damaged', indexId: id, error })
    }
  }
  const stored = await sizesOfPacks(repository, signal)
  return { index, listed, stored, faults: [...faults, ...comparePacks({ listed, stored, marked })] }
}

function addListing(
  { index, listed }: { readonly index: BlobIndex; readonly listed: Map<Id, ListedPack> },
  { id: packId, blobs }: IndexedPack,
  indexId: Id,
): readonly PackFault[] {
  const headerHash = sha256(encodeHeader(blobs))
  const known = listed.get(packId)
  if (known !== undefined) {
    const isSame = known.headerHash === headerHash
    return [isSame ? { kind: 'index-duplicate', indexId, packId } : { kind: 'index-conflict', indexId, packId }]
  }
  listed.set(packId, { sizeBytes: packBytes(blobs), headerHash })
  index.addPack(packId, blobs)
  return []
}

async function sizesOfPacks(repository: Repository, signal: AbortSignal): Promise<ReadonlyMap<Id, number>> {
  const stored = new Map<Id, number>()
  for await (const { id, sizeBytes } of repository.backend.list('pack', { signal })) stored.set(id, sizeBytes)
  return stored
}

function* comparePacks({
  listed,
  stored,
  marked,
}: {
  readonly listed: ReadonlyMap<Id, ListedPack>
  readonly stored: ReadonlyMap<Id, number>
  readonly marked: ReadonlySet<Id>
}): Generator<PackFault> {
  for (const [packId, { sizeBytes: listedBytes }] of listed) {
    const sizeBytes = stored.get(packId)
    if (sizeBytes === undefined) yield { kind: 'pack-missing', packId }
    else if (sizeBytes !== listedBytes) yield { kind: 'pack-size', packId, sizeBytes, listedBytes }
  }
  for (const [packId, sizeBytes] of stored) {
    if (!listed.has(packId)) yield { kind: 'pack-unlisted', packId, sizeBytes, isMarked: marked.has(packId) }
  }
}
