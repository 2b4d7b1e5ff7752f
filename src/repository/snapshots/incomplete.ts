import type { Snapshot } from './snapshot.ts'

/** Marks the snapshot of a run that was interrupted: it keeps what was sent so far, and the next run goes on from it. */
export const INCOMPLETE_TAG = 'incomplete'

/** Ends the host name of such a snapshot, so that other programs' rules never count it among the backups of its phone. */
const HOST_SUFFIX = '-incomplete'

export function isIncomplete({ tags = [] }: Pick<Snapshot, 'tags'>): boolean {
  return tags.includes(INCOMPLETE_TAG)
}

/** The host name for a snapshot of an interrupted run. */
export function incompleteHost(hostname: string): string {
  return `${hostname}${HOST_SUFFIX}`
}

/** Whose snapshot it is, complete or not. */
export function hostOf(snapshot: Pick<Snapshot, 'tags' | 'hostname'>): string {
  const { hostname = '' } = snapshot
  const isMarked = isIncomplete(snapshot) && hostname.endsWith(HOST_SUFFIX)
  return isMarked ? hostname.slice(0, -HOST_SUFFIX.length) : hostname
}

/**
 * The time for a snapshot of an interrupted run: just before the backup that it builds on, so that `latest` never means it,
 * whichever program asks. Without one it is the time of the run.
 */
export function incompleteTime(parent: Pick<Snapshot, 'time'> | undefined, startedTime: string): string {
  if (parent === undefined) return startedTime
  return Temporal.Instant.from(parent.time).subtract({ milliseconds: 1 }).toString()
}

/** True while no complete backup has followed on the one that the interrupted run builds on. */
export function isOpenAfter(incomplete: Snapshot, newest: Snapshot | undefined): boolean {
  if (newest === undefined) return true
  return incomplete.parent === newest.id || (newest.original !== undefined && incomplete.parent === newest.original)
}
