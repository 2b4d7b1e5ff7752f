import type { Command } from 'commander'
import type { Secret } from '../../base/secret.ts'
import {
  addKey as addRepositoryKey,
  changePassword,
  type LockMode,
  listKeys,
  lockRepository,
  type NewKey,
  type Repository,
  type RepositoryKey,
  type RepositoryLock,
  removeKey,
  shortId,
} from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { askPassword, passwordFromFile } from '../passwords.ts'
import { lockOwner, openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
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
  await using lock = await lockFor(repository, 'shared', context)
  const id = await addRepositoryKey(repository, { ...key, signal: lock.signal })
  printResult(context, {
    json: options.json,
    result: { added: id },
    lines: () => [`Added the key ${shortId(id)}. Its password opens the whole repository, as every other one does.`],
  })
}

async function remove(wanted: string, options: KeyOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  await using lock = await lockFor(repository, 'exclusive', context)
  const id = await removeKey(repository, wanted, { signal: lock.signal })
  printResult(context, {
    json: options.json,
    result: { removed: id },
    lines: () => [`Removed the key ${shortId(id)}.`],
  })
}

async function passwd(options: NewKeyOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(options, context)
  const key = await newKeyOf(options, context)
  await using lock = await lockFor(repository, 'exclusive', context)
  const id = await changePassword(repository, { ...key, signal: lock.signal })
  printResult(context, {
    json: options.json,
    result: { added: id, removed: repository.keyId },
    lines: () => [`Changed the password: the new key is ${shortId(id)}, and the old password opens nothing any more.`],
  })
}

async function lockFor(repository: Repository, mode: LockMode, context: Context): Promise<RepositoryLock> {
  return await lockRepository(repository, { mode, owner: await lockOwner(context), ...context })
}

async function newKeyOf({ newPasswordFile, host, user }: NewKeyOptions, context: Context): Promise<NewKey> {
  const { clock, environment } = context
  const label = { createdMs: clock.nowMs(), hostname: host ?? environment.hostname, username: user }
  return { password: await newPassword(newPasswordFile, context), label }
}

async function newPassword(file: string | undefined, { signal }: Context): Promise<Secret> {
  const remedy = 'Give --new-password-file'
  if (file !== undefined) return await passwordFromFile(file, remedy)
  return await askPassword('New password: ', { remedy, twice: true, signal })
}
