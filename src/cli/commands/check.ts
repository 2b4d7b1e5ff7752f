import { join } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../../base/errors.ts'
import {
  type CheckProgress,
  type CheckReport,
  checkRepository,
  type DataSelection,
  openVerifiedPacks,
} from '../../repository/index.ts'
import { checkLines, parseOldest, parseSubset } from '../check-words.ts'
import type { Context } from '../context.ts'
import { badUsage, type CliErrorCode } from '../errors.ts'
import { JSON_OUTPUT } from '../options.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { openProgress, type ProgressState } from '../terminal.ts'
import { countOf, formatSize } from '../words.ts'

export function addCheck(program: Command, context: Context): void {
  withRepositoryOptions(program.command('check'))
    .description('verify the repository, and name what is hurt')
    .option('--read-data', 'read every byte, not only what leads to it')
    .option('--read-data-subset <subset>', 'read a part of the bytes: 2/7, 5% or a size')
    .option(
      '--read-data-oldest <budget>',
      'read what was not verified for the longest time, for a size or for 30min or 2h',
    )
    .option('--no-lock', 'for a repository that cannot be written')
    .option(JSON_OUTPUT[0], 'print a line of JSON for each finding, each hurt file, and at last for the whole')
    .action((options) => check(options, context))
}

export interface CheckOptions extends RepositoryOptions {
  readonly readData?: boolean
  readonly readDataSubset?: string
  readonly readDataOldest?: string
  /** False with `--no-lock`: for a repository that cannot be written. */
  readonly lock?: boolean
  readonly json?: boolean
}

/** `phonekeep check`: is everything there that the snapshots need, and with `--read-data`, is every byte right? */
async function check(options: CheckOptions, context: Context): Promise<void> {
  const readData = selectionOf(options)
  const repository = await openNamedRepository(options, context)
  await using lock = options.lock === false ? undefined : await lockForCommand(repository, 'shared', context)
  const { clock, environment, terminal } = context
  const progress = openProgress(terminal, clock)
  const tell = (kind: string) => (value: object) => terminal.out(JSON.stringify({ message_type: kind, ...value }))
  const report = await checkRepository(repository, {
    readData,
    signal: lock?.signal ?? context.signal,
    onProgress: (state) => progress.show(stateOf(state)),
    ...(options.json && { onFinding: tell('finding'), onHurt: tell('hurt') }),
    memory: {
      verified: openVerifiedPacks(join(environment.stateFolder, 'verified'), { repositoryId: repository.id }),
      clock,
    },
  })
  if (options.json) tell('summary')(summaryOf(report))
  else for (const line of checkLines(report)) terminal.tell(line)
  if (!report.ok) throw checkFailed(report)
}

function selectionOf({ readData, readDataSubset, readDataOldest }: CheckOptions): DataSelection {
  const given = [readData, readDataSubset, readDataOldest].filter((each) => each !== undefined)
  if (given.length > 1) throw badUsage('It was said in more than one way what to read', 'Give one --read-data option')
  if (readDataSubset !== undefined) return parseSubset(readDataSubset)
  if (readDataOldest !== undefined) return parseOldest(readDataOldest)
  return { kind: readData ? 'all' : 'none' }
}

function stateOf({ packsRead, packs, bytesRead, bytes, treesRead }: CheckProgress): ProgressState {
  if (packsRead === packs) return { doing: 'reading trees', amount: countOf(treesRead, 'tree') }
  const amount = `${countOf(packsRead, 'pack')}, ${formatSize(bytesRead)}`
  return { doing: 'reading packs', amount, fraction: bytesRead / bytes }
}

/** Findings and hurt files were told before, one by one. */
function summaryOf({ findings: _told, hurt, ...report }: CheckReport): object {
  return { ...report, hurt: hurt.map(({ paths: _told, ...snapshot }) => snapshot) }
}

function checkFailed({ findings, hurt }: CheckReport): AppError<CliErrorCode> {
  const damages = findings.filter(({ severity }) => severity === 'damage').length
  const victims =
    hurt.length === 0 ? 'no snapshot is hurt' : `${countOf(hurt.length, 'snapshot is', 'snapshots are')} hurt`
  return new AppError('cli.check-failed', `The repository has ${countOf(damages, 'damage')}; ${victims}`, {
    remedy: 'Do not prune; make a copy of the repository first, then follow the steps that the check names',
  })
}
