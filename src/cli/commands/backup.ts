import type { Command } from 'commander'
import { type Context, printResult } from '../context.ts'
import { badUsage } from '../errors.ts'
import { assertReadBack, backUpOne, runLines, runToJson } from '../one-run.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { parseSize } from '../words.ts'
import { wholeNumber } from './virtual-phone-options.ts'

export function addBackup(program: Command, context: Context): void {
  withRepositoryOptions(program.command('backup'))
    .description('back a phone up into a new snapshot')
    .argument(...UDID)
    .option('--allowance <size>', 'most room the repository may take, such as 50GiB')
    .option('--read-back <size>', 'how much of what is stored to read back and verify; 0 for nothing', '64MiB')
    .option(
      '--threads <count>',
      'threads that compress and encrypt; chosen by cores and memory unless given, 0 for none',
    )
    .option('--no-verify', 'do not unpack and compare each piece before it is stored')
    .option(...JSON_OUTPUT)
    .action((udid, options) => backup(udid, options, context))
}

export interface BackupOptions extends RepositoryOptions {
  readonly allowance?: string
  readonly readBack: string
  readonly threads?: string
  readonly verify: boolean
  readonly json?: boolean
}

/** `phonekeep backup`: one run, pairing first if that is needed. */
async function backup(udid: string | undefined, options: BackupOptions, context: Context): Promise<void> {
  const allowanceBytes = options.allowance === undefined ? undefined : parseSize(options.allowance)
  const readBackBytes = parseSize(options.readBack)
  const writing = {
    verify: options.verify,
    limits: { threads: options.threads === undefined ? undefined : parseThreads(options.threads) },
  }
  const repository = await openNamedRepository(options, context, { cached: true })
  const run = await backUpOne(repository, { udid, allowanceBytes, readBackBytes, writing }, context)
  printResult(context, { json: options.json, result: runToJson(run), lines: () => runLines(run) })
  assertReadBack(run)
}

/** More would only wait for the phone. */
const THREADS_MAX = 64

function parseThreads(text: string): number {
  const threads = wholeNumber('--threads', text)
  if (threads > THREADS_MAX) throw badUsage(`${threads} threads are more than any phone keeps busy`, 'Give 4 or fewer')
  return threads
}
