import type { Command } from 'commander'
import {
  type Id,
  PRUNE_DEFAULTS,
  type PruneLimits,
  type PruneProgress,
  type PruneSummary,
  performPrune,
  preparePrune,
  type RepositoryLock,
  summarizePrune,
  type UnusedLimit,
} from '../repository/index.ts'
import type { Context } from './context.ts'
import { badUsage } from './errors.ts'
import { openProgress, type ProgressState } from './terminal.ts'
import { countOf, formatSize, parseSize } from './words.ts'

/** restic's options of a prune. */
export interface PruneOptions {
  readonly maxUnused?: string
  readonly maxRepackSize?: string
  readonly repackSmall?: boolean
}

export function withPruneOptions(command: Command): Command {
  return command
    .option('--max-unused <limit>', 'how much unused data may stay: a share like 5%, a size, or "unlimited"', '5%')
    .option('--max-repack-size <size>', 'move no more than this to new packs')
    .option('--repack-small', 'also put small packs together')
}

export function limitsOf({ maxUnused = '5%', maxRepackSize, repackSmall = false }: PruneOptions): PruneLimits {
  const maxRepackBytes = maxRepackSize === undefined ? PRUNE_DEFAULTS.maxRepackBytes : parseSize(maxRepackSize)
  return { maxUnused: parseUnusedLimit(maxUnused), maxRepackBytes, repackSmall }
}

/** `5%`, `500MiB` or `unlimited`. */
export function parseUnusedLimit(text: string): UnusedLimit {
  if (text === 'unlimited') return { bytes: Number.POSITIVE_INFINITY }
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent === undefined) return { bytes: parseSize(text) }
  if (Number(percent) >= 100) throw badUsage(`"${text}" is no share of a whole`, 'Give less than 100%, or "unlimited"')
  return { percent: Number(percent) }
}

interface OnePrune {
  readonly limits: PruneLimits
  readonly dryRun: boolean
  /** Snapshots that a dry run takes for gone. */
  readonly without?: ReadonlySet<Id> | undefined
  /** Even if no snapshot is left. */
  readonly allowRemoveAll: boolean
}

/** Prunes under the lock, or only plans to, and shows how it goes. */
export async function pruneUnder(
  lock: RepositoryLock,
  { limits, dryRun, without, allowRemoveAll }: OnePrune,
  { terminal, clock }: Context,
): Promise<PruneSummary> {
  const progress = openProgress(terminal, clock)
  const options = { signal: lock.signal, onProgress: (done: PruneProgress) => progress.show(stateOf(done)) }
  const prepared = await preparePrune(lock.repository, { limits, without, allowRemoveAll, ...options })
  if (!dryRun) await performPrune(prepared, { lock, ...options })
  return summarizePrune(prepared.plan, prepared.uses.packs)
}

function stateOf({ doing, done, total }: PruneProgress): ProgressState {
  const amounts = {
    'reading trees': countOf(done, 'tree'),
    repacking: formatSize(done),
    'removing packs': countOf(done, 'pack'),
  }
  return { doing, amount: amounts[doing], ...(total !== undefined && { fraction: done / total }) }
}

export function pruneLines(summary: PruneSummary, { dryRun }: { dryRun: boolean }): readonly string[] {
  const { orphanPacks, removePacks, repackPacks, repackBytes, freedBytes, remainingBytes, unusedBytesAfter } = summary
  const [remove, move, free] = dryRun ? ['Would remove', 'Would move', 'Would free'] : ['Removed', 'Moved', 'Freed']
  return [
    `${remove} ${countOf(removePacks + orphanPacks, 'pack')} that no snapshot needs.`,
    `${move} ${formatSize(repackBytes)} out of ${countOf(repackPacks, 'pack that is', 'packs that are')} needed in part.`,
    `${free} ${formatSize(freedBytes)}; ${formatSize(remainingBytes)} left, of it ${formatSize(unusedBytesAfter)} unused.`,
  ]
}
