import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import {
  APPLE_FEEDS,
  type DoctorsLook,
  type FeedAddresses,
  type LookEvent,
  lookAt,
  type OnLook,
  type Place,
  parseAppleRoot,
  type Speaker,
} from '../../doctor/index.ts'
import type { BackupPasswordOptions } from '../backup-password.ts'
import type { Context } from '../context.ts'
import { badUsage, type CliErrorCode } from '../errors.ts'
import { passwordFromFile } from '../passwords.ts'
import { openNamedRepository, type RepositoryOptions, tempFolderOf } from '../repositories.ts'
import type { Terminal } from '../terminal.ts'
import { shortened } from '../words.ts'
import type { Patient } from './patients.ts'
import { notebookOf } from './run-notes.ts'

export interface LookingOptions extends RepositoryOptions, BackupPasswordOptions {}

/** One look at everything, told on the terminal while it is taken. */
export async function lookAround(
  { udid, phone, obstacle }: Patient,
  {
    options,
    speaker,
    isQuiet,
  }: { readonly options: LookingOptions; readonly speaker: Speaker; readonly isQuiet: boolean },
  context: Context,
): Promise<DoctorsLook> {
  const { clock, environment, signal, terminal } = context
  const cacheFolder = join(environment.cacheFolder, 'feeds')
  return await lookAt({
    ...{ udid, phone, obstacle, clock, signal },
    feeds: { addresses: feedAddresses(context), appleRoot: await givenAppleRoot(context), cacheFolder },
    repository: await repositoryFor(options, context),
    notebook: notebookOf(context),
    onLook: isQuiet ? undefined : liveList(terminal, speaker),
  })
}

/** Where Apple's feeds are; throws `cli.usage` for what is no address. */
export function feedAddresses({ environment: { appleFeeds } }: Context): FeedAddresses {
  return {
    status: addressOf('PHONEKEEP_APPLE_STATUS_URL', appleFeeds.status, APPLE_FEEDS.status),
    updates: addressOf('PHONEKEEP_APPLE_UPDATES_URL', appleFeeds.updates, APPLE_FEEDS.updates),
  }
}

function addressOf(variable: string, given: string | undefined, usual: URL | undefined): URL | undefined {
  if (given === undefined) return usual
  if (given === 'off') return undefined
  const url = URL.parse(given)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw badUsage(`${variable} is no address`, 'Write https://HOST/PATH, or off')
}

/** Apple's root certificate from a file; throws `cli.usage` for any other. */
async function givenAppleRoot({ environment: { appleFeeds } }: Context): Promise<string | undefined> {
  const { rootFile } = appleFeeds
  if (rootFile === undefined) return undefined
  const root = parseAppleRoot(await readFile(rootFile).catch(() => ''))
  if (root !== undefined) return root
  throw badUsage(
    'The file of PHONEKEEP_APPLE_ROOT is not the root certificate of Apple',
    'Take AppleIncRootCertificate.cer from https://www.apple.com/certificateauthority/, or leave the variable out',
  )
}

/** The repository that was named, if any was. Nobody is asked for a password in the middle of a look. */
async function repositoryFor(options: LookingOptions, context: Context) {
  const { environment } = context
  const isNamed = [options.repo, options.repositoryFile, environment.repository, environment.repositoryFile].some(
    Boolean,
  )
  if (!isNamed) return undefined
  const { passwordFile, passwordCommand } = { ...environment, ...options }
  const hasPassword = [environment.password, passwordFile, passwordCommand].some(Boolean)
  return {
    open: async ({ signal }: { signal: AbortSignal }) => {
      if (!hasPassword) throw noPassword()
      return await openNamedRepository(options, { ...context, signal }, { cached: true })
    },
    backupPassword: await givenBackupPassword(options, context),
    tempFolder: await tempFolderOf(context),
  }
}

async function givenBackupPassword(
  { backupPasswordFile }: LookingOptions,
  { environment }: Context,
): Promise<Secret | undefined> {
  if (backupPasswordFile === undefined) return environment.backupPassword
  return await passwordFromFile(backupPasswordFile, 'Give another file, or none')
}

function noPassword(): AppError<CliErrorCode> {
  return new AppError('cli.no-password', 'No password was given for the repository', {
    remedy: 'Set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE, or give --password-file',
  })
}

const MARKS: { readonly [State in LookEvent['state']]: string } = { begun: '…', read: '✓', unread: '–' }

/** What is being looked at, in one line that redraws itself; nothing where there is no terminal. */
function liveList({ draw, columns }: Terminal, { say }: Speaker): OnLook | undefined {
  if (draw === undefined) return undefined
  const states = new Map<Place, LookEvent['state']>()
  return ({ place, state }) => {
    states.set(place, state)
    const parts = Array.from(states, ([name, state]) => `${MARKS[state]} ${say({ key: `place.${name}` })}`)
    draw(shortened(`${say({ key: 'visit.looking' })} ${parts.join('  ')}`, columns - 1))
  }
}
