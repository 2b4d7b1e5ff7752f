import { Argument, type Command } from 'commander'
import { AppError } from '../../base/errors.ts'
import { changeEncryption, passwordChangeError, readBackupSettings } from '../../device/index.ts'
import {
  backupPasswordFor,
  type NewBackupPasswordOptions,
  newBackupPasswordFor,
  withBackupPasswordOption,
} from '../backup-password.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { narrateWaiting } from '../phone-words.ts'
import { meetPhone } from '../phones.ts'

export function addEncryption(program: Command, context: Context): void {
  withBackupPasswordOption(program.command('encryption'))
    .description('set, change or remove the password that a phone encrypts its backups with')
    .addArgument(new Argument('<change>').choices(['on', 'change', 'off']))
    .argument(...UDID)
    .option('--new-backup-password-file <file>', 'with "change": the new one (or PHONEKEEP_NEW_BACKUP_PASSWORD)')
    .option(...JSON_OUTPUT)
    .action((change, udid, options) => encryption(change, udid, options, context))
}

export interface EncryptionOptions extends NewBackupPasswordOptions {
  readonly json?: boolean
}

type Change = 'on' | 'change' | 'off'

/** `phonekeep encryption on|change|off`: the password that the phone encrypts its backups with, ours and everybody's. */
async function encryption(
  change: Change,
  udid: string | undefined,
  options: EncryptionOptions,
  context: Context,
): Promise<void> {
  const { signal, terminal } = context
  const { phone, name } = await meetPhone(udid, context)
  const { willEncrypt } = await readBackupSettings(phone, { signal })
  refuseSenseless(change, willEncrypt, name)
  if (willEncrypt || change !== 'off') {
    const { outcome } = await changeEncryption(phone, {
      ...(await passwordsFor(change, options, context)),
      onEvent: narrateWaiting(name, terminal.err),
      signal,
    })
    if (outcome.outcome === 'refused') throw passwordChangeError(outcome)
  }
  const isEncrypting = change !== 'off'
  printResult(context, {
    json: options.json,
    result: { udid: phone.udid, encryption: isEncrypting },
    lines: () => WORDS[change](name),
  })
}

/** Turning off what is off is no mistake; the others would do something else than was meant. */
function refuseSenseless(change: Change, willEncrypt: boolean, name: string): void {
  if (change === 'on' && willEncrypt) {
    throw new AppError<CliErrorCode>('cli.encryption-is-on', `${name} encrypts its backups already`, {
      remedy: 'To give it another backup password, use "phonekeep encryption change"',
    })
  }
  if (change === 'change' && !willEncrypt) {
    throw new AppError<CliErrorCode>('cli.encryption-is-off', `${name} has no backup password that could be changed`, {
      remedy: 'To set one, use "phonekeep encryption on"',
    })
  }
}

async function passwordsFor(change: Change, options: EncryptionOptions, context: Context) {
  switch (change) {
    case 'on':
      return { new: await backupPasswordFor(options, context, { twice: true }) }
    case 'change':
      return { old: await backupPasswordFor(options, context), new: await newBackupPasswordFor(options, context) }
    case 'off':
      return { old: await backupPasswordFor(options, context) }
  }
}

const WORDS = {
  on: (name: string) => [
    `${name} encrypts its backups from now on; the next one is a full one.`,
    'Keep the backup password where you find it without the phone: nobody can open these backups without it.',
  ],
  change: (name: string) => [
    `${name} has another backup password from now on.`,
    'Backups that were made before still open with the password of their time: keep both.',
  ],
  off: (name: string) => [
    `${name} does not encrypt its backups.`,
    'They hold no saved passwords and no Health data then. Older ones still need their password.',
  ],
} as const
