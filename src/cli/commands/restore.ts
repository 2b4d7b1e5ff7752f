import { AppError } from '../../base/errors.ts'
import { findSnapshot, restoreTree } from '../../repository/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { openNamedRepository, type RepositoryOptions } from '../repositories.ts'
import { openProgress } from '../terminal.ts'
import { amountOf, countOf, formatSize, plainText } from '../words.ts'

export interface RestoreOptions extends RepositoryOptions {
  readonly to: string
  readonly host?: string
  readonly json?: boolean
}

/** `phonekeep restore`: writes a snapshot into an empty folder, in Apple's layout. */
export async function restore(wanted: string, options: RestoreOptions, context: Context): Promise<void> {
  const { signal, terminal, clock } = context
  const repository = await openNamedRepository(options, context)
  const snapshot = await findSnapshot(repository, wanted, { host: options.host, signal, onDamaged: warner(context) })
  await repository.loadIndex({ signal })
  const progress = openProgress(terminal, clock)
  const totalBytes = snapshot.summary?.total_bytes_processed
  const report = await restoreTree(repository, snapshot.tree, options.to, {
    signal,
    onProgress: ({ files, bytes }) =>
      progress.show({
        doing: 'writing',
        amount: amountOf(files, bytes),
        ...(totalBytes && { fraction: bytes / totalBytes }),
      }),
  })
  printResult(context, {
    json: options.json,
    result: {
      snapshot: snapshot.id,
      target: options.to,
      files: report.files,
      bytes: report.bytes,
      damaged: report.damaged.map(({ path, error }) => ({ path, saw: error.message })),
    },
    lines: () => [
      ...report.damaged.map(({ path, error }) => `NOT RESTORED: ${plainText(path)}: ${plainText(error.message)}`),
      `Restored ${countOf(report.files, 'file')} (${formatSize(report.bytes)}) of snapshot ${snapshot.id.slice(0, 8)} to ${options.to}.`,
    ],
  })
  if (report.damaged.length > 0) throw restoreIncomplete(report.damaged.length)
}

function restoreIncomplete(count: number): AppError<CliErrorCode> {
  return new AppError(
    'cli.restore-incomplete',
    `${countOf(count, 'file or folder', 'files or folders')} could not be restored`,
    {
      remedy:
        'Everything else is there; look for what is missing in an older snapshot, and run `phonekeep check --read-data`',
    },
  )
}
