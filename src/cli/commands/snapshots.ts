import type { Command } from 'commander'
import { isIncomplete, listSnapshots, type Snapshot, shortId, snapshotToJson } from '../../repository/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { table } from '../terminal.ts'
import { countOf, formatTime } from '../words.ts'

export function addSnapshots(program: Command, context: Context): void {
  withRepositoryOptions(program.command('snapshots'))
    .description('list the snapshots')
    .option(...JSON_OUTPUT)
    .action((options) => snapshots(options, context))
}

/** `phonekeep snapshots`: what can be restored, oldest first, as `restic snapshots` shows it. */
async function snapshots(options: RepositoryOptions & { json?: boolean }, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context, { cached: true })
  const list = await listSnapshots(repository, { ...context, onDamaged: warner(context) })
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
