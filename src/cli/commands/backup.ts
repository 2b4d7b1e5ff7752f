import { type Context, printResult } from '../context.ts'
import { backUpOne, runLines, runToJson } from '../one-run.ts'
import { openNamedRepository, type RepositoryOptions } from '../repositories.ts'
import { parseSize } from '../words.ts'

export interface BackupOptions extends RepositoryOptions {
  readonly allowance?: string
  readonly json?: boolean
}

/** `phonekeep backup`: one run, pairing first if that is needed. */
export async function backup(udid: string | undefined, options: BackupOptions, context: Context): Promise<void> {
  const allowanceBytes = options.allowance === undefined ? undefined : parseSize(options.allowance)
  const repository = await openNamedRepository(options, context)
  const run = await backUpOne(repository, { udid, allowanceBytes }, context)
  printResult(context, { json: options.json, result: runToJson(run), lines: () => runLines(run) })
}
