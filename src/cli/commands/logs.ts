import { type LogLevel, type LogLine, openPhoneLog } from '../../device/index.ts'
import type { Context } from '../context.ts'
import { accessPhones, choosePhone, introduce, nameOf } from '../phones.ts'
import { countOf, plainText } from '../words.ts'

export interface LogsOptions {
  readonly process?: string
  readonly level?: LogLevel
}

/** `phonekeep logs`: what the programs on a phone say, a line each, until told to stop, which is how this command ends well. */
export async function logs(udid: string | undefined, filter: LogsOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await introduce(phone, access, context))
  await using log = await openPhoneLog(phone, filter, { signal })
  terminal.err(`The log of ${name}, by its ${log.service}. Ctrl-C ends it.`)
  try {
    for await (const line of log.lines({ signal })) {
      terminal.out(lineOf(line))
      if (terminal.isOutGone) break
    }
  } catch (error) {
    if (!signal.aborted) throw error
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
