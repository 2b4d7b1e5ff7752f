import { isAppError } from '../../base/errors.ts'
import type { Id } from '../format/id.ts'
import { BlobMarks } from '../indexes/blob-marks.ts'
import type { Repository } from '../repository.ts'
import { markUsedBlobs } from './used-blobs.ts'

/**
 * True when every tree that this one needs can be read, and the index lists every blob: a prune, or a repair, may have taken some
 * of it away. Load the index before. About two seconds and a bit for each blob of the index, for a million files.
 */
export async function isTreeWhole(
  repository: Repository,
  root: Id,
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  try {
    await markUsedBlobs(repository, new BlobMarks(repository.index), [root], { signal })
    return true
  } catch (error) {
    if (!isAppError(error, 'repo.damaged')) throw error
    return false
  }
}
