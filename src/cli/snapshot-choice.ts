import type { Command } from 'commander'
import {
  findSnapshot,
  listSnapshots,
  passesFilter,
  type Repository,
  type Snapshot,
  type SnapshotFilter,
} from '../repository/index.ts'
import { type Context, warner } from './context.ts'

/** How restic lets one choose snapshots that are not named. */
export interface FilterOptions {
  readonly host?: readonly string[]
  readonly tag?: readonly string[]
  readonly path?: readonly string[]
}

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

export function withFilterOptions(command: Command): Command {
  return command
    .option('--host <host>', 'only snapshots of this host; may be given several times', collect)
    .option(
      '--tag <tags>',
      'only snapshots with all these tags, separated by commas; may be given several times',
      collect,
    )
    .option('--path <path>', 'only snapshots with this path; may be given several times', collect)
}

export function filterOf({ host = [], tag = [], path = [] }: FilterOptions): SnapshotFilter {
  return { hosts: host, tags: tag.map(parseTags), paths: path }
}

/** `a,b` */
export function parseTags(text: string): readonly string[] {
  return text.split(',').map((tag) => tag.trim())
}

/** The snapshots that were named, each once, or all that pass the filter, oldest first. Throws `repo.snapshot-absent`. */
export async function chooseSnapshots(
  repository: Repository,
  { ids, filter }: { ids: readonly string[]; filter: SnapshotFilter },
  context: Context,
): Promise<readonly Snapshot[]> {
  const options = { signal: context.signal, onDamaged: warner(context) }
  if (ids.length === 0) {
    return (await listSnapshots(repository, options)).filter((snapshot) => passesFilter(snapshot, filter))
  }
  const [host] = filter.hosts.length === 1 ? filter.hosts : []
  const found = new Map<string, Snapshot>()
  for (const id of ids) {
    const snapshot = await findSnapshot(repository, id, { ...options, host: id === 'latest' ? host : undefined })
    found.set(snapshot.id, snapshot)
  }
  return [...found.values()]
}
