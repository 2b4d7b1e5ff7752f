import type { Command } from 'commander'
import { AppError } from '../../base/errors.ts'
import {
  findSnapshot,
  isIncomplete,
  type ListOptions,
  listSnapshots,
  type Repository,
  restoreTree,
  type Snapshot,
} from '../../repository/index.ts'
import { type BackupPasswordOptions, withBackupPasswordOption } from '../backup-password.ts'
import { type Context, printResult, warner } from '../context.ts'
import { badUsage, type CliErrorCode } from '../errors.ts'
import { JSON_OUTPUT } from '../options.ts'
import { isSameUdid } from '../phones.ts'
import { openNamedRepository, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'
import { openProgress } from '../terminal.ts'
import { amountOf, countOf, formatSize, plainText } from '../words.ts'
import { restoreFiles } from './restore-files.ts'
import { restoreSnapshotToPhone, type ToPhoneOptions, withToPhoneOptions } from './restore-to-phone.ts'

export interface RestoreOptions extends RepositoryOptions, BackupPasswordOptions, ToPhoneOptions {
  readonly to?: string
  /** Decrypted, by domain and path, instead of in Apple's layout. */
  readonly files?: boolean
  /** With `files`: of this domain only, and of this path and what is below it. */
  readonly domain?: string
  readonly path?: string
  readonly host?: string
  readonly json?: boolean
}

/** A snapshot that was found, in its repository with its index loaded. */
export interface FoundSnapshot {
  readonly repository: Repository
  readonly snapshot: Snapshot
}

/** To where a snapshot is written: an empty folder. */
export interface ToFolder {
  readonly to: string
}

export function addRestore(program: Command, context: Context): void {
  const command = program
    .command('restore')
    .description('write a snapshot into an empty folder, or to a phone')
    .argument('<snapshot>', 'the beginning of its ID, or "latest": with --to-phone, of that phone if it has one')
    .option('--host <host>', 'with "latest": of this host only')
    .option(...JSON_OUTPUT)
    .action((snapshot, options) => restore(snapshot, options, context))
    .optionsGroup('To a folder:')
    .option('--to <folder>', 'the folder; made if it is not there')
    .option('--files', "decrypted, by domain and path as on the phone, instead of in Apple's layout")
    .option('--domain <domain>', 'with --files: of this domain only, such as CameraRollDomain')
    .option('--path <path>', 'with --files: this path of a domain, and what is below it, only')
  withToPhoneOptions(command.optionsGroup('To a phone:'))
  withBackupPasswordOption(withRepositoryOptions(command.optionsGroup('Repository and passwords:')))
}

/** `phonekeep restore`: writes a snapshot into an empty folder, or to a phone. */
export async function restore(wanted: string, options: RestoreOptions, context: Context): Promise<void> {
  const { to, toPhone } = options
  if (toPhone !== undefined) {
    const found = await findWanted(wanted, options, context)
    return await restoreSnapshotToPhone(found, { ...options, udid: toPhone }, context)
  }
  if (!to) throw badUsage('Nothing was named to restore to', 'Give --to FOLDER or --to-phone UDID')
  if (!options.files && (options.domain ?? options.path) !== undefined) {
    throw badUsage('A part of a backup was asked for, in a layout that only has the whole', 'Add --files')
  }
  const found = await findWanted(wanted, options, context)
  const lost = await (options.files ? restoreFiles : restoreLayout)(found, { ...options, to }, context)
  if (lost > 0) throw restoreIncomplete(lost)
}

async function findWanted(wanted: string, options: RestoreOptions, context: Context): Promise<FoundSnapshot> {
  const { signal } = context
  const { host, toPhone } = options
  const repository = await openNamedRepository(options, context, { cached: true })
  const onDamaged = warner(context)
  const own =
    wanted === 'latest' && host === undefined ? await newestOf(toPhone, repository, { signal, onDamaged }) : undefined
  const snapshot = own ?? (await findSnapshot(repository, wanted, { host, signal, onDamaged }))
  if (isIncomplete(snapshot)) {
    context.terminal.err('Warning: this is what an interrupted run had stored so far, not a whole backup.')
  }
  await repository.loadIndex({ signal, onDamaged })
  return { repository, snapshot }
}

/** The newest whole snapshot of the phone that is restored to: what another phone backed up since then is hardly meant. */
async function newestOf(
  toPhone: string | undefined,
  repository: Repository,
  options: ListOptions,
): Promise<Snapshot | undefined> {
  if (toPhone === undefined) return undefined
  const snapshots = await listSnapshots(repository, options)
  return snapshots.findLast(
    (snapshot) => !isIncomplete(snapshot) && snapshot.paths.some((path) => isSameUdid(path.slice(1), toPhone)),
  )
}

/** In Apple's layout, as the phone sent it. Resolves with how many files and folders are lost. */
async function restoreLayout(
  { repository, snapshot }: FoundSnapshot,
  { to, json }: RestoreOptions & ToFolder,
  context: Context,
): Promise<number> {
  const { signal, terminal, clock } = context
  const progress = openProgress(terminal, clock)
  const totalBytes = snapshot.summary?.total_bytes_processed
  const report = await restoreTree(repository, snapshot.tree, to, {
    signal,
    onProgress: ({ files, bytes }) =>
      progress.show({
        doing: 'writing',
        amount: amountOf(files, bytes),
        ...(totalBytes && { fraction: bytes / totalBytes }),
      }),
  })
  printResult(context, {
    json,
    result: {
      snapshot: snapshot.id,
      target: to,
      files: report.files,
      bytes: report.bytes,
      damaged: report.damaged.map(({ path, error }) => ({ path, saw: error.message })),
      skipped: report.skipped,
    },
    lines: () => [
      ...report.skipped.map((path) => `left out: ${plainText(path)}: neither file, folder nor symbolic link`),
      ...report.damaged.map(({ path, error }) => `NOT RESTORED: ${plainText(path)}: ${plainText(error.message)}`),
      `Restored ${countOf(report.files, 'file')} (${formatSize(report.bytes)}) of snapshot ${snapshot.id.slice(0, 8)} to ${to}.`,
    ],
  })
  return report.damaged.length
}

function restoreIncomplete(count: number): AppError<CliErrorCode> {
  return new AppError(
    'cli.restore-incomplete',
    `${countOf(count, 'file or folder', 'files or folders')} could not be restored as they were`,
    {
      remedy:
        'Everything else is there; look for what is missing in an older snapshot, and run `phonekeep check --read-data`',
    },
  )
}
