import { type AppError, isAppError } from '../../base/errors.ts'
import { pathOf } from '../backend/backend.ts'
import type { Id } from '../format/id.ts'
import type { Repository } from '../repository.ts'
import { BlobIndex } from './blob-index.ts'
import { decodeIndexFile, type IndexFile } from './index-file.ts'

/** How to read the index files. */
export interface LoadIndexOptions {
  readonly signal: AbortSignal
  /** Told of every index file that is damaged; the others count all the same. Without it, one of them is an error. */
  readonly onDamaged?: ((error: AppError) => void) | undefined
}

/** What was read of the index files. */
export interface LoadedIndex {
  readonly index: BlobIndex
  /** Packs that another program is about to delete. */
  readonly packsToDelete: ReadonlySet<Id>
  /** The files that were read, and how many packs they listed in all. */
  readonly files: ReadonlySet<Id>
  readonly packCount: number
}

/**
 * Reads the index files, one after the other: about 60 bytes of memory and one microsecond per blob. What was read before is gone
 * on with, unless one of its files is gone, as after a prune, or something else was added to it since: such packs may be gone, too.
 */
export async function loadIndexFiles(
  repository: Repository,
  before: LoadedIndex | undefined,
  { signal, onDamaged }: LoadIndexOptions,
): Promise<LoadedIndex> {
  const listed = new Set<Id>()
  for await (const { id } of repository.backend.list('index', { signal })) listed.add(id)
  const isKept = before !== undefined && isStillTrue(before, listed)
  const { index, packsToDelete, files } = isKept ? before : nothingLoaded()
  const read = new Set(files)
  const marked = new Set(packsToDelete)
  for (const id of listed.difference(files)) {
    const file = await readIndexFile(repository, id, { signal, onDamaged })
    if (file === undefined) continue
    for (const pack of file.packs) index.addPack(pack.id, pack.blobs)
    for (const packId of file.packsToDelete) marked.add(packId)
    read.add(id)
  }
  return { index, packsToDelete: marked, files: read, packCount: index.packCount }
}

/** Undefined when the file is gone, or damaged and somebody is told of it. */
async function readIndexFile(
  repository: Repository,
  id: Id,
  { signal, onDamaged }: LoadIndexOptions,
): Promise<IndexFile | undefined> {
  try {
    const text = await repository.loadUnpacked('index', id, { signal })
    return text === undefined ? undefined : decodeIndexFile(text, pathOf({ kind: 'index', id }))
  } catch (error) {
    if (onDamaged === undefined || !isAppError(error, 'repo.damaged')) throw error
    onDamaged(error)
    return undefined
  }
}

function isStillTrue({ index, packCount, files }: LoadedIndex, listed: ReadonlySet<Id>): boolean {
  return files.isSubsetOf(listed) && index.packCount === packCount
}

function nothingLoaded(): { index: BlobIndex; packsToDelete: ReadonlySet<Id>; files: ReadonlySet<Id> } {
  return { index: new BlobIndex(), packsToDelete: new Set(), files: new Set() }
}
