import { findSnapshot, restoreTree } from '../../repository/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import { openNamedRepository, type RepositoryOptions } from '../repositories.ts'
import { openProgress } from '../terminal.ts'
import { amountOf, countOf, formatSize } from '../words.ts'

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
    result: { snapshot: snapshot.id, target: options.to, files: report.files, bytes: report.bytes },
    lines: () => [
      `Restored ${countOf(report.files, 'file')} (${formatSize(report.bytes)}) of snapshot ${snapshot.id.slice(0, 8)} to ${options.to}.`,
    ],
  })
}
