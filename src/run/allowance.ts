import type { WaitOptions } from '../base/channel.ts'
import type { Repository } from '../repository/index.ts'

/**
 * The room there is for a backup: the smaller of what the disk has left and what is left of the allowance, never below 0;
 * without end where the store does not tell and no allowance was set. The phone asks before it sends anything, so a backup
 * that does not fit ends before a byte moves; it keeps 128 MiB in reserve, which is where our indexes and trees go.
 */
export async function roomFor(
  repository: Repository,
  { allowanceBytes, signal }: { allowanceBytes: number | undefined; signal: AbortSignal },
): Promise<number> {
  const onDisk = (await repository.backend.freeBytes({ signal })) ?? Number.POSITIVE_INFINITY
  const allowed = allowanceBytes === undefined ? onDisk : allowanceBytes - (await usedBytes(repository, { signal }))
  return Math.max(0, Math.min(onDisk, allowed))
}

/** What the repository's packs take in bytes, which is all of it but a few per cent. */
export async function usedBytes(repository: Repository, { signal }: WaitOptions): Promise<number> {
  let used = 0
  for await (const { sizeBytes } of repository.backend.list('pack', { signal })) used += sizeBytes
  return used
}
