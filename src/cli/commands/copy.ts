import type { Command } from 'commander'
import {
  type CopyPlan,
  type CopyProgress,
  copySnapshots,
  isIncomplete,
  listSnapshots,
  planCopy,
  type Repository,
  type RepositoryLock,
  type Snapshot,
  shortId,
} from '../../repository/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import { badUsage } from '../errors.ts'
import { JSON_OUTPUT } from '../options.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { chooseSnapshots, type FilterOptions, filterOf, withFilterOptions } from '../snapshot-choice.ts'
import { openProgress } from '../terminal.ts'
import { countOf, formatSize, formatTime, plainText } from '../words.ts'

export function addCopy(program: Command, context: Context): void {
  const command = program
    .command('copy')
    .description('copy snapshots from another repository into this one')
    .argument('[snapshots...]', 'the beginnings of their IDs; all are copied if none is named')
    .option('--no-lock', 'for a repository to copy from that cannot be written')
    .option(...JSON_OUTPUT)
    .action((ids, options) => copy(ids, options, context))
  withFilterOptions(command.optionsGroup('Which snapshots to copy:'))
  command
    .optionsGroup('The repository to copy from:')
    .option('--from-repo <repository>', 'a folder, s3:… or rest:… (or RESTIC_FROM_REPOSITORY)')
    .option('--from-repository-file <file>', 'a file that names it (or RESTIC_FROM_REPOSITORY_FILE)')
    .option(
      '--from-password-file <file>',
      'a file with its password (or RESTIC_FROM_PASSWORD_FILE, RESTIC_FROM_PASSWORD)',
    )
    .option('--from-password-command <command>', 'a command that prints it (or RESTIC_FROM_PASSWORD_COMMAND)')
  withRepositoryOptions(command.optionsGroup('The repository to copy to:'))
}

interface CopyOptions extends RepositoryOptions, FilterOptions {
  readonly fromRepo?: string
  readonly fromRepositoryFile?: string
  readonly fromPasswordFile?: string
  readonly fromPasswordCommand?: string
  /** False with `--no-lock`. */
  readonly lock?: boolean
  readonly json?: boolean
}

/** `phonekeep copy`: a second repository with a password of its own gets the snapshots that it does not have. */
async function copy(ids: readonly string[], options: CopyOptions, context: Context): Promise<void> {
  const source = await openSource(options, context)
  const named = await openNamedRepository(options, context, { cached: true })
  if (source.id === named.id) throw badUsage('Both are the same repository', 'Name another one to copy from')
  await using sourceLock = options.lock === false ? undefined : await lockForCommand(source, 'shared', context)
  const { signal } = sourceLock ?? context
  await using lock = await lockForCommand(named, 'shared', { ...context, signal })
  const target = lock.repository
  const chosen = await chooseForCopy(source, ids, options, context)
  const plan = planCopy(chosen, await listSnapshots(target, { signal: lock.signal }))
  const saved = await copyPlanned({ source, target }, plan, { lock, context })
  printResult(context, { json: options.json, result: toJson(plan, saved), lines: () => linesOf(plan, saved) })
}

/** What interrupted runs have left is of use to the next run alone: it is copied only when it is named, or its tag. */
async function chooseForCopy(
  source: Repository,
  ids: readonly string[],
  options: CopyOptions,
  context: Context,
): Promise<readonly Snapshot[]> {
  const filter = filterOf(options)
  const chosen = await chooseSnapshots(source, { ids, filter }, context)
  return ids.length + filter.tags.length > 0 ? chosen : chosen.filter((snapshot) => !isIncomplete(snapshot))
}

async function openSource(options: CopyOptions, context: Context): Promise<Repository> {
  const from: RepositoryOptions = {
    ...(options.fromRepo !== undefined && { repo: options.fromRepo }),
    ...(options.fromRepositoryFile !== undefined && { repositoryFile: options.fromRepositoryFile }),
    ...(options.fromPasswordFile !== undefined && { passwordFile: options.fromPasswordFile }),
    ...(options.fromPasswordCommand !== undefined && { passwordCommand: options.fromPasswordCommand }),
  }
  const { environment } = context
  const there = { ...context, environment: { ...environment, ...environment.from } }
  return await openNamedRepository(from, there, { cached: true })
}

async function copyPlanned(
  { source, target }: { source: Repository; target: Repository },
  plan: CopyPlan,
  { lock, context }: { lock: RepositoryLock; context: Context },
): Promise<readonly Snapshot[]> {
  const { clock, terminal } = context
  const { signal } = lock
  if (plan.copy.length === 0) return []
  await source.loadIndex({ signal, onDamaged: warner(context) })
  await target.loadIndex({ signal, onDamaged: warner(context) })
  const progress = openProgress(terminal, clock)
  const onProgress = ({ snapshots, bytes }: CopyProgress) => {
    const amount = `${countOf(snapshots, 'snapshot')}, ${formatSize(bytes)}`
    progress.show({ doing: 'copying', amount, fraction: snapshots / plan.copy.length })
  }
  return await copySnapshots({ source, target }, plan.copy, { lock, clock, signal, onProgress })
}

function toJson({ present }: CopyPlan, saved: readonly Snapshot[]): object {
  return {
    copied: saved.map(({ id, original }) => ({ from: original, to: id })),
    present: present.map(({ snapshot, copiedTo }) => ({ from: snapshot.id, to: copiedTo.id })),
  }
}

function linesOf({ present }: CopyPlan, saved: readonly Snapshot[]): readonly string[] {
  return [
    ...saved.map(({ id, time, hostname = '' }) => {
      return plainText(`Copied the snapshot of ${hostname} of ${formatTime(time)}: it is ${shortId(id)} here.`)
    }),
    `${countOf(saved.length, 'snapshot')} copied, ${present.length} were there already.`,
  ]
}
