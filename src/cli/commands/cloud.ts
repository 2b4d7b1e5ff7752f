import { Argument, type Command } from 'commander'
import { AppError } from '../../base/errors.ts'
import { cloudBackupError, switchCloudBackup } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { narrateWaiting } from '../phone-words.ts'
import { meetPhone } from '../phones.ts'

export function addCloud(program: Command, context: Context): void {
  program
    .command('cloud')
    .description('switch iCloud Backup of a phone on or off')
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .argument(...UDID)
    .option(...JSON_OUTPUT)
    .action((state, udid, options) => cloud(state, udid, options, context))
}

/** `phonekeep cloud on|off`: the switch of iCloud Backup, read again afterwards. */
async function cloud(
  state: 'on' | 'off',
  udid: string | undefined,
  { json }: { json?: boolean },
  context: Context,
): Promise<void> {
  const { signal, terminal } = context
  const { phone, name } = await meetPhone(udid, context)
  const { outcome, before, after } = await switchCloudBackup(phone, {
    isOn: state === 'on',
    onEvent: narrateWaiting(name, terminal.err),
    signal,
  })
  if (outcome.outcome === 'refused') throw cloudBackupError(outcome)
  if (after.cloudBackupEnabled !== (state === 'on')) throw notSettled(name, state)
  const wasAlready = before.cloudBackupEnabled === after.cloudBackupEnabled
  printResult(context, {
    json,
    result: { udid: phone.udid, before: before.cloudBackupEnabled ?? null, after: after.cloudBackupEnabled },
    lines: () => [`iCloud Backup of ${name} is ${state}${wasAlready ? ', as it was before' : ' now'}.`],
  })
}

function notSettled(name: string, state: string): AppError<CliErrorCode> {
  return new AppError('cli.not-settled', `${name} agreed, but a minute later iCloud Backup is not ${state}`, {
    remedy: 'Look on the phone: Settings, your name, iCloud, iCloud Backup; it may ask something there',
  })
}
