import { type Command, Option } from 'commander'
import {
  countHosts,
  countStats,
  type HostUse,
  STATS_MODES,
  type Stats,
  type StatsMode,
} from '../../repository/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { chooseSnapshots, type FilterOptions, filterOf, withFilterOptions } from '../snapshot-choice.ts'
import { openProgress, table } from '../terminal.ts'
import { countOf, formatSize } from '../words.ts'

export function addStats(program: Command, context: Context): void {
  const mode = new Option('--mode <mode>', 'what to count').choices(STATS_MODES).default('restore-size')
  const command = program
    .command('stats')
    .description('count what snapshots hold and take')
    .argument('[snapshots...]', 'the beginnings of their IDs, or "latest"; all are counted if none is named')
    .addOption(mode)
    .option('--no-lock', 'for a repository that cannot be written')
    .option('--by-host', 'the stored room that each phone takes, alone and shared with others')
    .option(...JSON_OUTPUT)
    .action((ids, options) => stats(ids, options, context))
  withFilterOptions(command.optionsGroup('Which snapshots to count:'))
  withRepositoryOptions(command.optionsGroup('Repository:'))
}

interface StatsCommandOptions extends RepositoryOptions, FilterOptions {
  readonly mode: StatsMode
  readonly byHost?: boolean
  /** False with `--no-lock`. */
  readonly lock?: boolean
  readonly json?: boolean
}

/** `phonekeep stats`: restic's figures, or what each phone takes of the repository. */
async function stats(ids: readonly string[], options: StatsCommandOptions, context: Context): Promise<void> {
  const { mode, byHost = false, json } = options
  const repository = await openNamedRepository(options, context, { cached: true })
  const onDamaged = warner(context)
  await using lock = options.lock === false ? undefined : await lockForCommand(repository, 'shared', context)
  const { signal } = lock ?? context
  const snapshots = await chooseSnapshots(repository, { ids, filter: filterOf(options) }, context)
  await repository.loadIndex({ signal, onDamaged })
  const progress = openProgress(context.terminal, context.clock)
  let trees = 0
  const onTree = () => progress.show({ doing: 'reading trees', amount: countOf(++trees, 'tree') })
  if (byHost) {
    const hosts = await countHosts(repository, snapshots, { signal, onTree })
    return printResult(context, { json, result: hosts, lines: () => hostLines(hosts) })
  }
  const counted = await countStats(repository, snapshots, { mode, signal, onTree })
  const seen = { counted, mode, snapshots: snapshots.length }
  printResult(context, { json, result: toJson(seen), lines: () => linesOf(seen) })
}

interface Seen {
  readonly counted: Stats
  readonly mode: StatsMode
  readonly snapshots: number
}

/** As `restic stats --json` says it. */
function toJson({ counted: { bytes, files, blobs }, snapshots }: Seen): object {
  return {
    total_size: bytes,
    total_file_count: files,
    ...(blobs > 0 && { total_blob_count: blobs }),
    snapshots_count: snapshots,
  }
}

function linesOf({ counted: { bytes, files, blobs }, mode, snapshots }: Seen): readonly string[] {
  return [
    `${countOf(snapshots, 'snapshot')}, counted as ${mode}:`,
    ...(mode === 'raw-data' ? [] : [`  ${countOf(files, 'file or folder', 'files and folders')}`]),
    ...(blobs === 0 ? [] : [`  ${countOf(blobs, 'blob')}`]),
    `  ${formatSize(bytes)}`,
  ]
}

function hostLines(hosts: readonly HostUse[]): readonly string[] {
  const rows = hosts.map(({ host, snapshots, aloneBytes, sharedBytes }) => {
    return [host, String(snapshots), formatSize(aloneBytes), formatSize(sharedBytes)]
  })
  return table([['Host', 'Snapshots', 'Alone', 'Shared'], ...rows])
}
