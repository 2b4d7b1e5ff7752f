import type { Command } from 'commander'
import { isIncomplete, type Snapshot, shortId, snapshotToJson } from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { chooseSnapshots, type FilterOptions, filterOf, withFilterOptions } from '../snapshot-choice.ts'
import { table } from '../terminal.ts'
import { countOf, formatTime } from '../words.ts'

export function addSnapshots(program: Command, context: Context): void {
  const command = program
    .command('snapshots')
    .description('list the snapshots')
    .argument('[snapshots...]', 'the beginnings of their IDs, or "latest"; all are listed if none is named')
    .option(...JSON_OUTPUT)
    .action((ids, options) => snapshots(ids, options, context))
  withFilterOptions(command.optionsGroup('Which snapshots to list:'))
  withRepositoryOptions(command.optionsGroup('Repository:'))
}

interface SnapshotsOptions extends RepositoryOptions, FilterOptions {
  readonly json?: boolean
}

/** `phonekeep snapshots`: what can be restored, oldest first, as `restic snapshots` shows it. */
async function snapshots(ids: readonly string[], options: SnapshotsOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context, { cached: true })
  const list = await chooseSnapshots(repository, { ids, filter: filterOf(options) }, context)
  printResult(context, { json: options.json, result: list.map(snapshotToJson), lines: () => linesOf(list) })
}

function linesOf(list: readonly Snapshot[]): readonly string[] {
  const rows = list.map(({ id, time, hostname, tags, paths }) => [
    shortId(id),
    formatTime(time),
    hostname ?? '',
    (tags ?? []).join(', '),
    paths.join(', '),
  ])
  return [
    ...table([['ID', 'Time', 'Host', 'Tags', 'Paths'], ...rows]),
    countOf(list.length, 'snapshot'),
    ...(list.some(isIncomplete) ? ['Those tagged "incomplete" are no backups: the next run goes on from them.'] : []),
  ]
}
