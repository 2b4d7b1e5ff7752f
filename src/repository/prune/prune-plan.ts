import type { StoredFileInfo } from '../backend/backend.ts'
import type { PackUse } from './pack-use.ts'

/** How much may stay that nobody needs: a share of everything, 0 <= percent < 100, or so many bytes. */
export type UnusedLimit = { readonly percent: number } | { readonly bytes: number }

/** What a prune may do. */
export interface PruneLimits {
  /** Beyond it, packs that are used in part are repacked. */
  readonly maxUnused: UnusedLimit
  /** No more than this is repacked; packs that nobody needs go anyway. */
  readonly maxRepackBytes: number
  /** Also repacks packs that are far smaller than they should be, when there are many of them. */
  readonly repackSmall: boolean
}

/** restic's defaults. */
export const PRUNE_DEFAULTS: PruneLimits = {
  maxUnused: { percent: 5 },
  maxRepackBytes: Number.POSITIVE_INFINITY,
  repackSmall: false,
}

/** What a prune will do. Every pack of an index stands in at most one of the lists. */
export interface PrunePlan {
  /** Packs that no index lists: left by interrupted runs. */
  readonly orphans: readonly StoredFileInfo[]
  /** Packs of which nothing is needed. */
  readonly remove: readonly PackUse[]
  /** Packs of which the needed part moves to new packs. */
  readonly repack: readonly PackUse[]
  /** What nobody needs and stays all the same, because moving what lies beside it is not worth it. */
  readonly unusedBytesAfter: number
}

/** A plan in figures. Bytes are those of stored packs. */
export interface PruneSummary {
  readonly orphanPacks: number
  readonly removePacks: number
  readonly repackPacks: number
  /** What has to be read and written anew. */
  readonly repackBytes: number
  /** What becomes free in all. */
  readonly freedBytes: number
  /** What is left. */
  readonly remainingBytes: number
  /** The part of what is left that nobody needs. */
  readonly unusedBytesAfter: number
}

/** `packs` are those that the plan was made for. */
export function summarizePrune(plan: PrunePlan, packs: readonly PackUse[]): PruneSummary {
  const { orphans, remove, repack, unusedBytesAfter } = plan
  const listedBytesFreed = sum(remove, ({ bytes }) => bytes) + sum(repack, unusedBytesOf)
  return {
    orphanPacks: orphans.length,
    removePacks: remove.length,
    repackPacks: repack.length,
    repackBytes: sum(repack, ({ usedBytes }) => usedBytes),
    freedBytes: sum(orphans, ({ sizeBytes }) => sizeBytes) + listedBytesFreed,
    remainingBytes: sum(packs, ({ bytes }) => bytes) - listedBytesFreed,
    unusedBytesAfter,
  }
}

/** Below this share of the size that packs are closed at, one counts as small. */
const SMALL_SHARE = 0.8
/** Fewer small packs than this are not worth the trouble, and would be repacked again and again. */
const SMALL_COUNT_MIN = 10
/** The sizes at which packs are closed. */
export const PACK_BYTES = { data: 16 * 1024 * 1024, tree: 4 * 1024 * 1024 } as const

/**
 * Decides as restic does: what is unused goes; of the packs that are used in part, those of trees go first (they are read most), then
 * those with the most to gain, until what stays unused is within the limit. Nothing is touched here.
 */
export function planPrune(
  packs: readonly PackUse[],
  { orphans, limits }: { readonly orphans: readonly StoredFileInfo[]; readonly limits: PruneLimits },
): PrunePlan {
  const remove = packs.filter(({ usedBlobs }) => usedBlobs === 0)
  const small = limits.repackSmall ? smallPacks(packs) : new Set<PackUse>()
  const candidates = packs.filter((pack) => isCandidate(pack) || small.has(pack)).sort(byGain)
  const usedBytes = sum(packs, (pack) => pack.usedBytes)
  const unusedBytesMax = unusedMax(limits.maxUnused, usedBytes)
  let unusedBytesAfter = sum(packs, unusedBytesOf) - sum(remove, unusedBytesOf)
  let repackBytes = 0
  const repack: PackUse[] = []
  for (const pack of candidates) {
    const isWanted = pack.holds !== 'data' || small.has(pack) || unusedBytesAfter > unusedBytesMax
    if (!isWanted || repackBytes + pack.bytes > limits.maxRepackBytes) continue
    repack.push(pack)
    repackBytes += pack.bytes
    unusedBytesAfter -= unusedBytesOf(pack)
  }
  return { orphans, remove, repack, unusedBytesAfter }
}

/** What somebody needs lies beside what nobody does, or trees beside data. */
function isCandidate({ usedBlobs, blobs, holds }: PackUse): boolean {
  return usedBlobs > 0 && (usedBlobs < blobs || holds === 'mixed')
}

function smallPacks(packs: readonly PackUse[]): ReadonlySet<PackUse> {
  const small = (['data', 'tree'] as const).flatMap((type) => {
    const ofType = packs.filter(({ holds, usedBlobs, bytes }) => {
      return holds === type && usedBlobs > 0 && bytes < SMALL_SHARE * PACK_BYTES[type]
    })
    return ofType.length < SMALL_COUNT_MIN ? [] : ofType
  })
  return new Set(small)
}

/** Trees first, then by the share that is unused. */
function byGain(left: PackUse, right: PackUse): number {
  const order = Number(left.holds === 'data') - Number(right.holds === 'data')
  return order || unusedBytesOf(right) / right.bytes - unusedBytesOf(left) / left.bytes
}

/** So much may stay that it is the given share of the used and the unused together. */
function unusedMax(limit: UnusedLimit, usedBytes: number): number {
  return 'bytes' in limit ? limit.bytes : (limit.percent * usedBytes) / (100 - limit.percent)
}

function unusedBytesOf({ bytes, usedBytes }: PackUse): number {
  return bytes - usedBytes
}

function sum<Item>(items: readonly Item[], sizeOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + sizeOf(item), 0)
}
