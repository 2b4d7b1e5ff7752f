import { hasTags } from './keep-policy.ts'
import type { Snapshot } from './snapshot.ts'

/** Snapshots of one of these hosts, with all tags of one of these lists, and with all of these paths. */
export interface SnapshotFilter {
  readonly hosts: readonly string[]
  readonly tags: readonly (readonly string[])[]
  readonly paths: readonly string[]
}

/** True when every snapshot passes. */
export function isEmptyFilter({ hosts, tags, paths }: SnapshotFilter): boolean {
  return hosts.length + tags.length + paths.length === 0
}

/** An empty list of hosts, tags or paths asks for nothing. */
export function passesFilter(snapshot: Snapshot, { hosts, tags, paths }: SnapshotFilter): boolean {
  if (hosts.length > 0 && !hosts.includes(snapshot.hostname ?? '')) return false
  if (tags.length > 0 && !tags.some((list) => hasTags(snapshot, list))) return false
  return paths.every((path) => snapshot.paths.includes(path))
}
