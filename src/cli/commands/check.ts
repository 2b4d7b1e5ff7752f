import { AppError } from '../../base/errors.ts'
import {
  type CheckReport,
  checkRepository,
  lockRepository,
  type Repository,
  type RepositoryLock,
} from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { lockOwner, openNamedRepository, type RepositoryOptions } from '../repositories.ts'
import { openProgress } from '../terminal.ts'
import { countOf, plainText } from '../words.ts'

export interface CheckOptions extends RepositoryOptions {
  readonly readData?: boolean
  /** False with `--no-lock`: for a repository that cannot be written. */
  readonly lock?: boolean
  readonly json?: boolean
}

/** `phonekeep check`: is everything there that the snapshots need, and with `--read-data`, is every byte right? */
export async function check(options: CheckOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  await using lock = options.lock === false ? undefined : await lockShared(repository, context)
  const progress = openProgress(context.terminal, context.clock)
  const report = await checkRepository(repository, {
    readData: options.readData ?? false,
    signal: lock?.signal ?? context.signal,
    onProgress: ({ packsRead, packs, treesRead }) =>
      progress.show(
        packs > 0
          ? { doing: 'reading packs', amount: countOf(packsRead, 'pack'), fraction: packsRead / packs }
          : { doing: 'reading trees', amount: countOf(treesRead, 'tree') },
      ),
  })
  printResult(context, { json: options.json, result: report, lines: () => linesOf(report) })
  if (!report.ok) throw checkFailed(report)
}

async function lockShared(repository: Repository, context: Context): Promise<RepositoryLock> {
  return await lockRepository(repository, { mode: 'shared', owner: await lockOwner(context), ...context })
}

export function linesOf({ findings, snapshots, packs, blobs }: CheckReport): readonly string[] {
  const told = findings.map(({ severity, subject, sentence }) => {
    return `${severity === 'damage' ? 'DAMAGE' : 'hint'}: ${plainText(subject)}: ${plainText(sentence)}`
  })
  const seen = `${countOf(snapshots, 'snapshot')}, ${countOf(packs, 'pack')}, ${countOf(blobs, 'blob')}`
  const isSound = findings.every(({ severity }) => severity === 'hint')
  return [...told, isSound ? `No damage found in ${seen}.` : `Looked at ${seen}.`]
}

function checkFailed({ findings }: CheckReport): AppError<CliErrorCode> {
  const damages = findings.filter(({ severity }) => severity === 'damage').length
  return new AppError('cli.check-failed', `The repository has ${countOf(damages, 'damage')}`, {
    remedy: 'Do not prune; make a copy of the repository, look at its disk, and see docs/errors.md',
  })
}
