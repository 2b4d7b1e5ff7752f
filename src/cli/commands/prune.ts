import type { Command } from 'commander'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { limitsOf, type PruneOptions, pruneLines, pruneUnder, withPruneOptions } from '../prune-words.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'

export function addPrune(program: Command, context: Context): void {
  const command = program
    .command('prune')
    .description('free the room of what no snapshot needs any more')
    .option('-n, --dry-run', 'only say what would be done')
    .option('--unsafe-allow-remove-all', 'even if there is no snapshot, so that everything goes')
    .option(...JSON_OUTPUT)
    .action((options) => prune(options, context))
  withRepositoryOptions(withPruneOptions(command))
}

interface PruneCommandOptions extends RepositoryOptions, PruneOptions {
  readonly dryRun?: boolean
  readonly unsafeAllowRemoveAll?: boolean
  readonly json?: boolean
}

/** `phonekeep prune`: removes what no snapshot needs. Nothing else may work in the repository meanwhile, and its lock sees to that. */
async function prune(options: PruneCommandOptions, context: Context): Promise<void> {
  const { dryRun = false, unsafeAllowRemoveAll: allowRemoveAll = false, json } = options
  const limits = limitsOf(options)
  const repository = await openNamedRepository(options, context, { cached: true })
  await using lock = await lockForCommand(repository, 'exclusive', context)
  const summary = await pruneUnder(lock, { limits, dryRun, allowRemoveAll }, context)
  printResult(context, { json, result: { dryRun, ...summary }, lines: () => pruneLines(summary, { dryRun }) })
}
