import type { Command } from 'commander'
import type { Secret } from '../base/secret.ts'
import type { Context } from './context.ts'
import { askPassword, passwordFromFile } from './passwords.ts'

/** How a person names the password that a phone encrypts its backups with. Never as an argument: those can be seen by all. */
export interface BackupPasswordOptions {
  readonly backupPasswordFile?: string
}

export function withBackupPasswordOption(command: Command): Command {
  return command.option(
    '--backup-password-file <file>',
    "a file with the phone's backup password (or PHONEKEEP_BACKUP_PASSWORD)",
  )
}

/** Where a backup password may come from, the first one that is there. */
export interface BackupPasswordSources {
  readonly file: string | undefined
  readonly given: Secret | undefined
  /** For the terminal, where nothing else is there; a new password is asked for twice. */
  readonly question: string
  readonly twice?: boolean
  /** What to do when there is no terminal: names the option and the variable. */
  readonly remedy: string
}

/** Throws `cli.no-password`; `cli.usage` when the two answers differ. */
export async function readBackupPassword(
  { file, given, question, twice = false, remedy }: BackupPasswordSources,
  { signal }: { signal: AbortSignal },
): Promise<Secret> {
  if (file !== undefined) return await passwordFromFile(file, remedy)
  return given ?? (await askPassword(question, { remedy, twice, signal }))
}

/** The phone's backup password, from the usual places. `twice`: it is a new one. */
export async function backupPasswordFor(
  { backupPasswordFile }: BackupPasswordOptions,
  { environment, signal }: Context,
  { twice = false }: { twice?: boolean } = {},
): Promise<Secret> {
  const sources = {
    file: backupPasswordFile,
    given: environment.backupPassword,
    question: twice ? 'A backup password for the phone: ' : "The phone's backup password: ",
    twice,
    remedy: 'Set PHONEKEEP_BACKUP_PASSWORD, or give --backup-password-file',
  }
  return await readBackupPassword(sources, { signal })
}

export interface NewBackupPasswordOptions extends BackupPasswordOptions {
  readonly newBackupPasswordFile?: string
}

/** The password that takes the place of the phone's backup password. */
export async function newBackupPasswordFor(
  { newBackupPasswordFile }: NewBackupPasswordOptions,
  { environment, signal }: Context,
): Promise<Secret> {
  const sources = {
    file: newBackupPasswordFile,
    given: environment.newBackupPassword,
    question: 'The new backup password: ',
    twice: true,
    remedy: 'Set PHONEKEEP_NEW_BACKUP_PASSWORD, or give --new-backup-password-file',
  }
  return await readBackupPassword(sources, { signal })
}
