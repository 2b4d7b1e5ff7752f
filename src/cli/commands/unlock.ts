import type { Command } from 'commander'
import { type FoundLock, unlock as removeLocks, shortId, type UnlockReport } from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { lockOwner, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { countOf, plainText } from '../words.ts'

export function addUnlock(program: Command, context: Context): void {
  const command = program
    .command('unlock')
    .description('remove the locks that work which died has left behind')
    .option('--remove-all', 'all locks, also of work that goes on; only when you know that none does')
    .option(...JSON_OUTPUT)
    .action((options) => unlock(options, context))
  withRepositoryOptions(command)
}

interface UnlockOptions extends RepositoryOptions {
  readonly removeAll?: boolean
  readonly json?: boolean
}

/** `phonekeep unlock`: removes locks that nobody holds any more; those that stay are told, with who holds them. */
async function unlock(options: UnlockOptions, context: Context): Promise<void> {
  const { removeAll: all = false, json } = options
  const repository = await openNamedRepository(options, context)
  const report = await removeLocks(repository, { all, owner: await lockOwner(context), ...context })
  printResult(context, { json, result: toJson(report), lines: () => linesOf(report) })
}

function toJson({ removed, left }: UnlockReport): object {
  const lockToJson = ({ id, fields }: FoundLock) => {
    if (fields === undefined) return { id }
    const { timeMs, ...rest } = fields
    return { id, time: Temporal.Instant.fromEpochMilliseconds(timeMs).toString(), ...rest }
  }
  return { removed: removed.map(lockToJson), left: left.map(lockToJson) }
}

function linesOf({ removed, left }: UnlockReport): readonly string[] {
  return [
    `Removed ${countOf(removed.length, 'lock')}.`,
    ...removed.map((lock) => `  ${nameOf(lock)}`),
    ...(left.length === 0 ? [] : [`Left ${countOf(left.length, 'lock')}, as somebody may be at work:`]),
    ...left.map((lock) => `  ${nameOf(lock)}`),
  ]
}

function nameOf({ id, fields }: FoundLock): string {
  if (fields === undefined) return `${shortId(id)}, which cannot be read`
  const { timeMs, exclusive, hostname, username, pid } = fields
  const time = Temporal.Instant.fromEpochMilliseconds(timeMs).toString({ smallestUnit: 'second' })
  return plainText(
    `${shortId(id)}, ${exclusive ? 'exclusive' : 'shared'}, of process ${pid} of ${username} on ${hostname}, written ${time}`,
  )
}
