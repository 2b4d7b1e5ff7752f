import { AppError } from '../../base/errors.ts'
import { changeEncryption, passwordChangeError, readBackupSettings } from '../../device/index.ts'
import { backupPasswordFor, type NewBackupPasswordOptions, newBackupPasswordFor } from '../backup-password.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { narrateWaiting } from '../phone-words.ts'
import { accessPhones, choosePhone, introduce, nameOf } from '../phones.ts'

export interface EncryptionOptions extends NewBackupPasswordOptions {
  readonly json?: boolean
}

type Change = 'on' | 'change' | 'off'

/** `phonekeep encryption on|change|off`: the password that the phone encrypts its backups with, ours and everybody's. */
export async function encryption(
  change: Change,
  udid: string | undefined,
  options: EncryptionOptions,
  context: Context,
): Promise<void> {
  const { signal, terminal } = context
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await introduce(phone, access, context))
  const { willEncrypt } = await readBackupSettings(phone, { signal })
  refuseSenseless(change, willEncrypt, name)
  if (willEncrypt || change !== 'off') {
    const wordsFor = narrateWaiting(name)
    const { outcome } = await changeEncryption(phone, {
      ...(await passwordsFor(change, options, context)),
      onEvent: (event) => {
        const words = wordsFor(event)
        if (words !== undefined) terminal.err(words)
      },
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
