import { forgetsLast } from '../errors.ts'
import type { Id } from '../format/id.ts'
import type { RepositoryLock } from '../lock.ts'
import type { Repository } from '../repository.ts'
import { hostOf, INCOMPLETE_TAG, isIncomplete, isOpenAfter } from './incomplete.ts'
import { applyPolicy, KEEP_NOTHING, type KeepDecision, type KeepOptions, type KeepPolicy } from './keep-policy.ts'
import { byTime, type Snapshot } from './snapshot.ts'

/** What keeps snapshots together; each group is treated as if it were alone. */
export const GROUPINGS = ['host', 'paths', 'tags'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** What becomes of the snapshots of one group, newest first. */
export interface ForgetGroup {
  /** Empty, or undefined, where snapshots are not grouped by it. */
  readonly host: string
  readonly paths: readonly string[] | undefined
  readonly tags: readonly string[] | undefined
  readonly keep: readonly KeepDecision[]
  readonly remove: readonly Snapshot[]
}

/**
 * Decides which snapshots go, as restic does. Snapshots of interrupted runs take nobody's place: they are not counted, they stay
 * until a complete one has followed on the backup that they build on, and then they go.
 */
export function planForget(
  snapshots: readonly Snapshot[],
  { policy, groupBy, ...options }: KeepOptions & { readonly policy: KeepPolicy; readonly groupBy: readonly Grouping[] },
): readonly ForgetGroup[] {
  const groups = Map.groupBy(snapshots, (snapshot) => JSON.stringify(groupOf(snapshot, groupBy)))
  return [...groups.values()].map((members) => {
    const decisions = [
      ...applyPolicy(members.filter(isComplete), policy, options),
      ...decideIncomplete(members, policy, options),
    ]
    const sorted = decisions.sort((left, right) => byTime(right.snapshot, left.snapshot))
    return {
      ...groupOf(members[0]!, groupBy),
      keep: sorted.filter(({ reasons }) => reasons.length > 0),
      remove: sorted.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot),
    }
  })
}

const HELD_OPEN = 'interrupted run'

function decideIncomplete(
  members: readonly Snapshot[],
  { tags }: KeepPolicy,
  options: KeepOptions,
): readonly KeepDecision[] {
  const newest = members.filter(isComplete).toSorted(byTime).at(-1)
  const incomplete = members.filter((snapshot) => !isComplete(snapshot))
  return applyPolicy(incomplete, { ...KEEP_NOTHING, tags }, options).map((decision) => {
    return isOpenAfter(decision.snapshot, newest)
      ? { ...decision, reasons: [...decision.reasons, HELD_OPEN] }
      : decision
  })
}

function isComplete(snapshot: Snapshot): boolean {
  return !isIncomplete(snapshot)
}

/** That of an interrupted run belongs to those of its phone. */
function groupOf(snapshot: Snapshot, groupBy: readonly Grouping[]) {
  const tags = (snapshot.tags ?? []).filter((tag) => tag !== INCOMPLETE_TAG)
  return {
    host: groupBy.includes('host') ? hostOf(snapshot) : '',
    paths: groupBy.includes('paths') ? snapshot.paths.toSorted() : undefined,
    tags: groupBy.includes('tags') ? tags.sort() : undefined,
  }
}

/** Throws `repo.forgets-last` when a host and its paths have a backup now, and none when these are gone. */
export function assertEachKeepsOne(snapshots: readonly Snapshot[], gone: ReadonlySet<Id>): void {
  const complete = snapshots.filter(isComplete)
  for (const members of Map.groupBy(complete, (snapshot) => JSON.stringify(groupOf(snapshot, GROUPED))).values()) {
    const { hostname = '', paths } = members[0]!
    if (members.every(({ id }) => gone.has(id))) throw forgetsLast(`${hostname} (${paths.join(', ')})`)
  }
}

const GROUPED: readonly Grouping[] = ['host', 'paths']

/**
 * Removes snapshots, the oldest first; what only they need stays until a prune. Hold an exclusive lock. It can end at any
 * point: a snapshot is there or not. Throws `repo.lock-lost`.
 */
export async function removeSnapshots(
  repository: Repository,
  snapshots: readonly Snapshot[],
  { lock, signal }: { readonly lock: RepositoryLock; readonly signal: AbortSignal },
): Promise<void> {
  if (snapshots.length === 0) return
  const until = AbortSignal.any([signal, lock.signal])
  await lock.verify({ signal: until })
  for (const { id } of snapshots.toSorted(byTime)) {
    await repository.backend.remove({ kind: 'snapshot', id }, { signal: until })
  }
}
