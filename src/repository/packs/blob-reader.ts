import { isAppError } from '../../base/errors.ts'
import type { Id } from '../format/id.ts'
import type { BlobLocation } from '../indexes/blob-index.ts'
import { openBlob, type Repository } from '../repository.ts'
import { PackReader } from './pack-reader.ts'

/** A blob that has been read. */
export interface ReadBlob {
  /** The copy that was asked for. */
  readonly wanted: BlobLocation
  /** The one that was read: another one where that is damaged. */
  readonly blob: BlobLocation
  /** As it lies in its pack; good until the next blob is asked for. */
  readonly sealed: Uint8Array
  /** What it holds, proven by its hash; the caller's to keep. */
  readonly plain: Uint8Array
}

/**
 * Reads many blobs in the given order, best pack by pack: neighbours come from one request. Where a copy is damaged
 * or lost another one is taken; `repo.damaged` is thrown when there is no good one.
 */
export async function* readBlobs(
  repository: Repository,
  blobs: Iterable<BlobLocation>,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<ReadBlob> {
  let reader: PackReader | undefined
  let packId: Id | undefined
  for (const blob of blobs) {
    if (reader === undefined || packId !== blob.packId) reader = new PackReader(repository, { id: blob.packId }, signal)
    packId = blob.packId
    const read = await readCopy(repository, reader, blob).catch((error: unknown) => {
      if (!isAppError(error, 'repo.damaged')) throw error
      return readOtherCopy(repository, blob, { error, signal })
    })
    yield { wanted: blob, ...read }
  }
}

type ReadCopy = Omit<ReadBlob, 'wanted'>

async function readCopy({ sealer }: Repository, reader: PackReader, blob: BlobLocation): Promise<ReadCopy> {
  const sealed = await reader.read(blob.offset, blob.length)
  return { blob, sealed, plain: await openBlob(sealer, blob, sealed) }
}

async function readOtherCopy(
  repository: Repository,
  damaged: BlobLocation,
  { error, signal }: { error: Error; signal: AbortSignal },
): Promise<ReadCopy> {
  for (const copy of repository.index.findAll(damaged.type, damaged.id)) {
    if (copy.packId === damaged.packId) continue
    try {
      return await readCopy(repository, new PackReader(repository, { id: copy.packId }, signal), copy)
    } catch (failure) {
      if (!isAppError(failure, 'repo.damaged')) throw failure
    }
  }
  throw error
}
