import { type Command, Option } from 'commander'
import { LOG_LEVELS, type LogLevel, type LogLine, openPhoneLog, type PhoneLog, whileAwake } from '../../device/index.ts'
import type { Context } from '../context.ts'
import { UDID } from '../options.ts'
import { meetPhone } from '../phones.ts'
import { countOf, plainText } from '../words.ts'

export function addLogs(program: Command, context: Context): void {
  program
    .command('logs')
    .description('show what the programs on a phone say, until told to stop')
    .argument(...UDID)
    .option('--process <name>', 'of this program only, such as backupd')
    .addOption(new Option('--level <level>', 'this one and what matters more').choices(LOG_LEVELS))
    .action((udid, options) => logs(udid, options, context))
}

export interface LogsOptions {
  readonly process?: string
  readonly level?: LogLevel
}

/** `phonekeep logs`: what the programs on a phone say, a line each, until told to stop, which is how this command ends well. */
async function logs(udid: string | undefined, filter: LogsOptions, context: Context): Promise<void> {
  const { phone, name } = await meetPhone(udid, context)
  await whileAwake(phone, context, async (signal) => {
    await using log = await openPhoneLog(phone, filter, { signal })
    context.terminal.err(`The log of ${name}, by its ${log.service}. Ctrl-C ends it.`)
    await printLines(log, context, { signal })
  })
}

async function printLines(log: PhoneLog, context: Context, { signal }: { signal: AbortSignal }): Promise<void> {
  const { terminal } = context
  try {
    for await (const line of log.lines({ signal })) {
      terminal.out(lineOf(line))
      if (terminal.isOutGone) break
    }
  } catch (error) {
    if (!context.signal.aborted) throw error
  } finally {
    if (log.skipped > 0) terminal.err(`${countOf(log.skipped, 'record')} could not be understood and were left out.`)
  }
}

/** `2026-11-22T10:11:05.000000Z backupd[66] <notice> com.apple.mobilebackup: text`, as far as the phone tells; on one line. */
export function lineOf({ time, process, pid, level, subsystem, text }: LogLine): string {
  const who = process === undefined ? undefined : `${process}${pid === undefined ? '' : `[${pid}]`}`
  const head = [time, who, level && `<${level}>`, subsystem].filter((part) => part !== undefined).join(' ')
  return plainText(head === '' ? text : `${head}: ${text}`)
}
