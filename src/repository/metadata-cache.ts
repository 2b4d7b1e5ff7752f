import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { CacheFolder } from './backend/cache-folder.ts'
import { openCachedBackend } from './backend/cached.ts'
import { Repository } from './repository.ts'

const CACHE_BYTES_MAX = 2 * 1024 ** 3

/**
 * The same repository, with copies of its metadata under `<folder>/<repository id>/`: for one that is far away. A check must
 * not go through it, for it would see the copies. The copies are sealed as the repository is, and may be deleted at any time.
 */
export function withMetadataCache(
  { backend, sealer, config, keyId }: Repository,
  { folder, clock, bytesMax = CACHE_BYTES_MAX }: { folder: string; clock: Clock; bytesMax?: number },
): Repository {
  const cache = new CacheFolder(join(folder, config.id), { clock, bytesMax })
  return new Repository(openCachedBackend(backend, cache), sealer, config, keyId)
}
