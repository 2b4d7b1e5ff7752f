import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { AppError, isAppError } from '../base/errors.ts'
import { makeFolder } from '../base/folders.ts'
import {
  type Backend,
  type LockMode,
  type LockOwner,
  lockRepository,
  openLocalBackend,
  openRepository,
  openRestBackend,
  openS3Backend,
  parseRestAddress,
  parseS3Address,
  type Repository,
  type RepositoryLock,
  type RestLogin,
  type RestOptions,
  type S3Options,
  withMetadataCache,
} from '../repository/index.ts'
import { type Context, warner } from './context.ts'
import { badUsage, type CliErrorCode } from './errors.ts'
import { type GivenPassword, readPassword } from './passwords.ts'
import { lockNames, readMachine, stationId } from './station.ts'

/** How restic lets one name a repository and its password; options win over the environment. */
export interface RepositoryOptions {
  readonly repo?: string
  readonly repositoryFile?: string
  readonly passwordFile?: string
  readonly passwordCommand?: string
}

export function withRepositoryOptions(command: Command): Command {
  return command
    .option('-r, --repo <repository>', 'a folder, s3:… or rest:… (or RESTIC_REPOSITORY)')
    .option('--repository-file <file>', 'a file that names the repository (or RESTIC_REPOSITORY_FILE)')
    .option('-p, --password-file <file>', 'a file with its password (or RESTIC_PASSWORD_FILE, RESTIC_PASSWORD)')
    .option('--password-command <command>', 'a command that prints its password (or RESTIC_PASSWORD_COMMAND)')
}

/**
 * Where the repository lies that was named, as restic spells it: a folder, `local:`, `s3:` or `rest:`. Throws
 * `cli.no-repository`, `cli.usage` and `repo.bad-address`, without repeating what may be a secret.
 */
export async function openNamedBackend(options: RepositoryOptions, context: Context): Promise<Backend> {
  const name = await repositoryName(options, context)
  const [, scheme, place = ''] = /^([a-z0-9]+):(.*)$/is.exec(name) ?? []
  switch (scheme) {
    case undefined:
      return openLocalBackend(name)
    case 'local':
      return openLocalBackend(place)
    case 's3':
      return openS3Backend(parseS3Address(place), { ...s3Options(context), ...serverOptions(context) })
    case 'rest':
      return openRestBackend(parseRestAddress(place), { login: restLogin(context), ...serverOptions(context) })
    default:
      throw noRepository(`Repositories of the kind "${scheme}:" are not known here`)
  }
}

async function repositoryName(options: RepositoryOptions, { environment }: Context): Promise<string> {
  const file = options.repositoryFile ?? (options.repo === undefined ? environment.repositoryFile : undefined)
  const name = options.repo ?? (file === undefined ? environment.repository : await firstLineOf(file))
  if (name === undefined || name === '') throw noRepository('No repository was named')
  return name
}

function serverOptions({ clock, terminal }: Context): Pick<RestOptions, 'clock' | 'onTrouble'> {
  return { clock, onTrouble: (sentence) => terminal.err(`Waiting: ${sentence}.`) }
}

function s3Options({ environment: { s3 } }: Context): Pick<S3Options, 'credentials' | 'region' | 'bucketStyle'> {
  const { accessKeyId, secretAccessKey, sessionToken, region, bucketStyle } = s3
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw badUsage('No access key was given', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  }
  if (bucketStyle !== undefined && bucketStyle !== 'path' && bucketStyle !== 'host') {
    throw badUsage('PHONEKEEP_S3_BUCKET_STYLE is neither path nor host', 'Set it to one of them, or not at all')
  }
  return { credentials: { accessKeyId, secretAccessKey, sessionToken }, region, bucketStyle }
}

/** Used when none stands in the address. */
function restLogin({ environment: { rest } }: Context): RestLogin | undefined {
  if (rest.username === undefined && rest.password === undefined) return undefined
  if (rest.username === undefined || rest.password === undefined) {
    throw badUsage('Half a login was given', 'Set both RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD')
  }
  return { username: rest.username, password: rest.password }
}

async function firstLineOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0]
  } catch (cause) {
    throw noRepository(`The file ${file}, which should name the repository, cannot be read`, cause)
  }
}

function noRepository(saw: string, cause?: unknown): AppError<CliErrorCode> {
  return new AppError('cli.no-repository', saw, {
    remedy:
      'Set RESTIC_REPOSITORY or give --repo with a folder, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH/',
    cause,
  })
}

/** The password for the repository, from wherever the person keeps it. */
export function passwordFor(options: RepositoryOptions, { environment, signal }: Context, twice = false) {
  const sources = {
    password: environment.password,
    passwordFile: options.passwordFile ?? environment.passwordFile,
    passwordCommand: options.passwordCommand ?? environment.passwordCommand,
  }
  return readPassword(sources, { twice, signal })
}

/**
 * Opens the repository that was named. With `cached`, the metadata of one on a server is also kept in the cache folder, which is
 * for everything but work that asks whether the server still has it all.
 */
export async function openNamedRepository(
  options: RepositoryOptions,
  context: Context,
  { cached = false }: { cached?: boolean } = {},
): Promise<Repository> {
  const { clock, environment } = context
  const backend = await openNamedBackend(options, context)
  const repository = await openGiven(backend, await passwordFor(options, context), context)
  const isFar = /^(s3|rest):/.test(backend.location)
  return cached && isFar ? withMetadataCache(repository, { folder: environment.cacheFolder, clock }) : repository
}

/** Opens it with a password as it was given. One that opens nothing, but looks like a misread recovery key, is told as that. */
async function openGiven(backend: Backend, { password, slip }: GivenPassword, context: Context): Promise<Repository> {
  try {
    return await openRepository(backend, { password, signal: context.signal, onDamaged: warner(context) })
  } catch (error) {
    if (slip !== undefined && isAppError(error, 'repo.wrong-password')) throw notRecoveryWords(slip)
    throw error
  }
}

function notRecoveryWords(saw: string): AppError<CliErrorCode> {
  return new AppError('cli.recovery-words', saw, { remedy: 'Compare the words with the paper, one by one' })
}

/** Who takes the locks: this process of this station, told from everybody else's by `lockNames`. */
export async function lockOwner({ clock, environment }: Context): Promise<LockOwner> {
  const { hostname, pid, stateFolder } = environment
  const machine = await readMachine(hostname)
  const { uptimeMs } = machine
  const startedMs = uptimeMs === undefined ? undefined : clock.nowMs() - uptimeMs
  return { pid, startedMs, ...lockNames(await stationId(stateFolder), machine) }
}

/**
 * Locks a repository for a command, which from then on works with that of the lock. A lock that cannot be removed at the end is only
 * told of: the work is done.
 */
export async function lockForCommand(
  repository: Repository,
  mode: LockMode,
  context: Context,
): Promise<RepositoryLock> {
  return await lockRepository(repository, {
    ...context,
    mode,
    owner: await lockOwner(context),
    onLeft: warner(context),
  })
}

/** A folder for what is decrypted for the time of a command; not the system's, which is too small on some machines. */
export async function tempFolderOf({ environment: { stateFolder } }: Context): Promise<string> {
  await makeFolder(stateFolder)
  return stateFolder
}
