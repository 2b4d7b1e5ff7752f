import type { Command } from 'commander'
import { type Context, printResult } from '../context.ts'
import { backUpOne, runLines, runToJson } from '../one-run.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { parseSize } from '../words.ts'

export function addBackup(program: Command, context: Context): void {
  withRepositoryOptions(program.command('backup'))
    .description('back a phone up into a new snapshot')
    .argument(...UDID)
    .option('--allowance <size>', 'most room the repository may take, such as 50GiB')
    .option(...JSON_OUTPUT)
    .action((udid, options) => backup(udid, options, context))
}

export interface BackupOptions extends RepositoryOptions {
  readonly allowance?: string
  readonly json?: boolean
}

/** `phonekeep backup`: one run, pairing first if that is needed. */
async function backup(udid: string | undefined, options: BackupOptions, context: Context): Promise<void> {
  const allowanceBytes = options.allowance === undefined ? undefined : parseSize(options.allowance)
  const repository = await openNamedRepository(options, context, { cached: true })
  const run = await backUpOne(repository, { udid, allowanceBytes }, context)
  printResult(context, { json: options.json, result: runToJson(run), lines: () => runLines(run) })
}
