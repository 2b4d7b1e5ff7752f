import type { Command } from 'commander'
import { type Context, printResult } from '../context.ts'
import { assertReadBack, backUpOne, runLines, runToJson } from '../one-run.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { parseSize } from '../words.ts'

export function addBackup(program: Command, context: Context): void {
  withRepositoryOptions(program.command('backup'))
    .description('back a phone up into a new snapshot')
    .argument(...UDID)
    .option('--allowance <size>', 'most room the repository may take, such as 50GiB')
    .option('--read-back <size>', 'how much of what is stored to read back and verify; 0 for nothing', '64MiB')
    .option(...JSON_OUTPUT)
    .action((udid, options) => backup(udid, options, context))
}

export interface BackupOptions extends RepositoryOptions {
  readonly allowance?: string
  readonly readBack: string
  readonly json?: boolean
}

/** `phonekeep backup`: one run, pairing first if that is needed. */
async function backup(udid: string | undefined, options: BackupOptions, context: Context): Promise<void> {
  const allowanceBytes = options.allowance === undefined ? undefined : parseSize(options.allowance)
  const readBackBytes = parseSize(options.readBack)
  const repository = await openNamedRepository(options, context, { cached: true })
  const run = await backUpOne(repository, { udid, allowanceBytes, readBackBytes }, context)
  printResult(context, { json: options.json, result: runToJson(run), lines: () => runLines(run) })
  assertReadBack(run)
}
