import { AppError } from '../../base/errors.ts'
import { type CheckReport, checkRepository, lockRepository } from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { lockOwner, openNamedRepository, type RepositoryOptions } from '../repositories.ts'
import { openProgress } from '../terminal.ts'
import { countOf } from '../words.ts'

export interface CheckOptions extends RepositoryOptions {
  readonly readData?: boolean
  readonly json?: boolean
}

/** `phonekeep check`: is everything there that the snapshots need, and with `--read-data`, is every byte right? */
export async function check(options: CheckOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  const owner = await lockOwner(context)
  await using lock = await lockRepository(repository, { mode: 'shared', owner, ...context })
  const progress = openProgress(context.terminal, context.clock)
  const report = await checkRepository(repository, {
    readData: options.readData ?? false,
    signal: lock.signal,
    onProgress: ({ packsRead, packs, treesRead }) =>
      progress.show({
        doing: 'checking',
        files: treesRead,
        bytes: 0,
        ...(packs > 0 && { fraction: packsRead / packs }),
      }),
  })
  printResult(context, { json: options.json, result: report, lines: () => linesOf(report) })
  if (!report.ok) throw checkFailed(report)
}

export function linesOf({ findings, snapshots, packs, blobs }: CheckReport): readonly string[] {
  const told = findings.map(({ severity, sentence }) => `${severity === 'damage' ? 'DAMAGE' : 'hint'}: ${sentence}`)
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
