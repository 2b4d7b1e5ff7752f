import type { Command } from 'commander'
import { AppError } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import {
  addKey as addRepositoryKey,
  changePassword,
  type Id,
  isRecoveryKey,
  listKeys,
  type NewKey,
  newRecoveryWords,
  openRepository,
  type Repository,
  type RepositoryKey,
  recoveryLabel,
  removeKey,
  shortId,
} from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import type { CliErrorCode } from '../errors.ts'
import { JSON_OUTPUT } from '../options.ts'
import { askPassword, repositoryPasswordFromFile } from '../passwords.ts'
import { askBack, sheetLines } from '../recovery-sheet.ts'
import { lockForCommand, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { table } from '../terminal.ts'
import { formatTime } from '../words.ts'

export function addKey(program: Command, context: Context): void {
  const key = program.command('key').description('the passwords that open a repository')
  withRepositoryOptions(key.command('list').option(...JSON_OUTPUT))
    .description('list the keys: each is one password')
    .action((options) => list(options, context))
  withRepositoryOptions(withNewKeyOptions(key.command('add')))
    .description('add a password; the others stay good')
    .action((options) => add(options, context))
  withRepositoryOptions(key.command('recovery'))
    .description('add a key of 24 words, which on paper open everything when the password is lost')
    .option('--replace', 'remove the old recovery key once the new one works')
    .option('--yes', 'do not ask for three of the words back')
    .option(...JSON_OUTPUT)
    .action((options) => recovery(options, context))
  withRepositoryOptions(key.command('remove').option(...JSON_OUTPUT))
    .description('remove a key, so that its password opens nothing any more')
    .argument('<key>', 'the beginning of its ID')
    .action((wanted, options) => remove(wanted, options, context))
  withRepositoryOptions(withNewKeyOptions(key.command('passwd')))
    .description('change the password that the repository was opened with')
    .action((options) => passwd(options, context))
}

function withNewKeyOptions(command: Command): Command {
  return command
    .option('--new-password-file <file>', 'a file with the new password')
    .option('--host <name>', 'the host to note down with it')
    .option('--user <name>', 'the person to note down with it', 'phonekeep')
    .option(...JSON_OUTPUT)
}

interface RecoveryOptions extends KeyOptions {
  readonly replace?: boolean
  readonly yes?: boolean
}

interface KeyOptions extends RepositoryOptions {
  readonly json?: boolean
}

interface NewKeyOptions extends KeyOptions {
  readonly newPasswordFile?: string
  readonly host?: string
  readonly user: string
}

async function list(options: KeyOptions, context: Context): Promise<void> {
  const keys = await listKeys(await openNamedRepository(options, context), context)
  printResult(context, { json: options.json, result: keys.map(keyToJson), lines: () => linesOf(keys) })
}

/** As `restic key list --json` shows it. */
function keyToJson({ id, isCurrent, username, hostname, created }: RepositoryKey): object {
  return {
    current: isCurrent,
    id: shortId(id),
    userName: username,
    hostName: hostname,
    created: formatTime(created),
  }
}

function linesOf(keys: readonly RepositoryKey[]): readonly string[] {
  const rows = keys.map(({ id, isCurrent, username, hostname, created }) => {
    return [`${isCurrent ? '*' : ' '}${shortId(id)}`, username, hostname, formatTime(created)]
  })
  return [...table([[' ID', 'User', 'Host', 'Created'], ...rows]), '* The key that this password opens.']
}

async function add(options: NewKeyOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  const key = await newKeyOf(options, context)
  const id = await addLocked(repository, key, context)
  printResult(context, {
    json: options.json,
    result: { added: id },
    lines: () => [`Added the key ${shortId(id)}. Its password opens the whole repository, as every other one does.`],
  })
}

/**
 * `phonekeep key recovery`: the key is there, and was opened, before its words are shown; the old one goes after they were read back.
 * Broken off in between, both open the repository.
 */
async function recovery(options: RecoveryOptions, context: Context): Promise<void> {
  const { clock, signal, terminal } = context
  const repository = await openNamedRepository(options, context)
  const old = (await listKeys(repository, { signal })).filter(isRecoveryKey)
  if (old.length > 0 && options.replace !== true) throw recoveryKeyExists()
  const password = newRecoveryWords()
  const id = await addLocked(repository, { password, label: recoveryLabel(clock.nowMs()) }, context)
  const opened = await openRepository(repository.backend, { password, signal })
  printResult(context, {
    json: options.json,
    result: { added: id, words: password.reveal().split(' ') },
    lines: () => sheetLines(password, { location: repository.backend.location, columns: terminal.columns }),
  })
  if (process.stdin.isTTY && !options.yes) await askBack(password, { say: terminal.err, signal })
  if (old.length > 0) {
    await using lock = await lockForCommand(opened, 'exclusive', context)
    for (const key of old) await removeKey(lock.repository, key.id, { signal: lock.signal })
    terminal.err('The old recovery key opens nothing any more.')
  }
}

function recoveryKeyExists(): AppError<CliErrorCode> {
  return new AppError('cli.recovery-key-exists', 'The repository has a recovery key already', {
    remedy: 'Its words cannot be shown again; if the paper is lost or was seen, make a new one with --replace',
  })
}

async function remove(wanted: string, options: KeyOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  await using lock = await lockForCommand(repository, 'exclusive', context)
  const id = await removeKey(lock.repository, wanted, { signal: lock.signal })
  printResult(context, {
    json: options.json,
    result: { removed: id },
    lines: () => [`Removed the key ${shortId(id)}.`],
  })
}

async function passwd(options: NewKeyOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  const key = await newKeyOf(options, context)
  await using lock = await lockForCommand(repository, 'exclusive', context)
  const id = await changePassword(lock.repository, { ...key, signal: lock.signal })
  printResult(context, {
    json: options.json,
    result: { added: id, removed: repository.keyId },
    lines: () => [`Changed the password: the new key is ${shortId(id)}, and the old password opens nothing any more.`],
  })
}

async function addLocked(repository: Repository, key: NewKey, context: Context): Promise<Id> {
  await using lock = await lockForCommand(repository, 'shared', context)
  return await addRepositoryKey(lock.repository, { ...key, signal: lock.signal })
}

async function newKeyOf({ newPasswordFile, host, user }: NewKeyOptions, context: Context): Promise<NewKey> {
  const { clock, environment } = context
  const label = { createdMs: clock.nowMs(), hostname: host ?? environment.hostname, username: user }
  return { password: await newPassword(newPasswordFile, context), label }
}

async function newPassword(file: string | undefined, { signal }: Context): Promise<Secret> {
  const remedy = 'Give --new-password-file'
  if (file !== undefined) return await repositoryPasswordFromFile(file, remedy)
  return await askPassword('New password: ', { remedy, twice: true, signal })
}
