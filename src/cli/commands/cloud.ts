import { AppError } from '../../base/errors.ts'
import { cloudBackupError, switchCloudBackup } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { narrateWaiting } from '../phone-words.ts'
import { accessPhones, choosePhone, introduce, nameOf } from '../phones.ts'

/** `phonekeep cloud on|off`: the switch of iCloud Backup, read again afterwards. */
export async function cloud(
  state: 'on' | 'off',
  udid: string | undefined,
  { json }: { json?: boolean },
  context: Context,
): Promise<void> {
  const { signal, terminal } = context
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await introduce(phone, access, context))
  const wordsFor = narrateWaiting(name)
  const { outcome, before, after } = await switchCloudBackup(phone, {
    isOn: state === 'on',
    onEvent: (event) => {
      const words = wordsFor(event)
      if (words !== undefined) terminal.err(words)
    },
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
