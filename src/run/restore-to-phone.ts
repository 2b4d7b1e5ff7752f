import type { PasswordSource } from '../backup-set/index.ts'
import type { Clock } from '../base/clock.ts'
import type { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import {
  type BackupEvent,
  type BackupOutcome,
  openBackupSession,
  type Phone,
  prepareRestore,
  type RestoreOptions,
  restoreError,
  runRestore,
  whileAwake,
} from '../device/index.ts'
import { type LockOwner, lockRepository, type Repository, type Snapshot } from '../repository/index.ts'
import { restoreCancelled, restoreStopped } from './errors.ts'
import {
  type BackupFacts,
  judgeRestore,
  type PhoneFacts,
  type RestoreCheck,
  type RestoreCheckName,
} from './restore-checks.ts'
import { readApplications, readBackupFacts, readPhoneFacts } from './restore-facts.ts'
import { openRestoreHost } from './restore-host.ts'
import { openSnapshotFiles, type SnapshotFiles } from './snapshot-files.ts'

/** What a restore tells while it goes on. */
export type RestoreEvent =
  | BackupEvent
  | { readonly kind: 'checked'; readonly check: RestoreCheck }
  /** An index file is damaged: what only it lists cannot be restored, and a check says so if the backup needs it. */
  | { readonly kind: 'index-damaged'; readonly error: AppError }
  /** The lock cannot be removed from the store; the restore is none the worse for it. */
  | { readonly kind: 'left-behind'; readonly error: AppError }
  /** The checks are over and the phone is asked; bytes are those of the whole backup, of which a phone may want less. */
  | { readonly kind: 'restoring'; readonly bytes: number }
  | { readonly kind: 'sent'; readonly bytes: number }

export interface RestoreCheckOptions {
  readonly phone: Phone
  readonly repository: Repository
  readonly snapshot: Snapshot
  /** Of the backup, if it is encrypted. */
  readonly password?: PasswordSource | undefined
  /** Where the backup's list of files is put to be read, decrypted, and removed again. */
  readonly tempFolder: string
  readonly signal: AbortSignal
}

export interface RestoreToPhoneOptions extends RestoreCheckOptions {
  readonly owner: LockOwner
  readonly clock: Clock
  /** What differs from `RESTORE_DEFAULTS`. */
  readonly options?: Partial<Omit<RestoreOptions, 'password'>>
  /** Checks whose `stop` a person takes the blame for. */
  readonly despite?: readonly RestoreCheckName[] | undefined
  /** Asked when the checks let the restore go on, before anything is changed; throws to call it off. */
  readonly agree?: (checks: readonly RestoreCheck[]) => Promise<void>
  readonly onEvent: (event: RestoreEvent) => void
}

export interface RestoredPhone {
  readonly checks: readonly RestoreCheck[]
  readonly sentFiles: number
  readonly sentBytes: number
  /** Without the checks, and without the time that it took to agree. */
  readonly elapsedMs: number
}

/**
 * What most people mean by restoring: the phone becomes as it was, restarts, and keeps what it has beside. Deleting cannot be
 * undone, so it must be asked for; and the copy is not wanted of a host that has the backup already.
 */
export const RESTORE_DEFAULTS: Omit<RestoreOptions, 'password'> = {
  restoreSystemFiles: true,
  restoreShouldReboot: true,
  restoreDontCopyBackup: true,
  restorePreserveSettings: false,
  removeItemsNotRestored: false,
}

/**
 * The guard rails alone, all of them whatever they find; nothing is changed anywhere. Load the index before. Damage is a
 * finding; throws `run.no-backup`, and what keeps the phone or the repository from being asked at all.
 */
export async function checkRestore(options: RestoreCheckOptions): Promise<readonly RestoreCheck[]> {
  const { repository, snapshot, signal } = options
  const { backup, phone } = await gatherFacts(options, await openSnapshotFiles(repository, snapshot, { signal }))
  return judgeRestore(backup, phone)
}

/**
 * Restores a snapshot to a phone, straight from the repository: guard rails, then the phone's own request for every file. In
 * the repository only a lock is written. Throws `run.restore-stopped` before anything was changed, the errors of
 * `restoreError` when the phone refused, `run.cancelled`, and those of the connection and the repository; a restore that was
 * broken off while files were sent should be made again. Abort drops the connection.
 */
export async function restoreToPhone(options: RestoreToPhoneOptions): Promise<RestoredPhone> {
  const { repository, snapshot, owner, clock, onEvent } = options
  const onLeft = (error: AppError) => onEvent({ kind: 'left-behind', error })
  await using lock = await lockRepository(repository, { mode: 'shared', owner, clock, signal: options.signal, onLeft })
  const cancel = new AbortController()
  const signal = AbortSignal.any([lock.signal, cancel.signal])
  await repository.loadIndex({ signal, onDamaged: (error) => onEvent({ kind: 'index-damaged', error }) })
  const files = await openSnapshotFiles(repository, snapshot, { signal })
  const facts = await gatherFacts({ ...options, signal }, files)
  const checks = judgeRestore(facts.backup, facts.phone)
  for (const check of checks) onEvent({ kind: 'checked', check })
  refuseStopped(checks, options.despite)
  await options.agree?.(checks)

  const startedMs = clock.elapsedMs()
  const sent = { files: 0, bytes: 0 }
  const observe = (event: RestoreEvent) => {
    if (event.kind === 'file-sent') sent.files += 1
    if (event.kind === 'sent') sent.bytes += event.bytes
    if (event.kind === 'cancel-asked') cancel.abort(restoreCancelled())
    onEvent(event)
  }
  const outcome = await whileAwake(options.phone, { signal }, (signal) =>
    serve({ ...options, onEvent: observe, signal }, files, facts),
  )
  if (outcome.outcome === 'refused') throw restoreError(outcome)
  return { checks, sentFiles: sent.files, sentBytes: sent.bytes, elapsedMs: clock.elapsedMs() - startedMs }
}

interface Facts {
  readonly backup: BackupFacts
  readonly phone: PhoneFacts
}

async function gatherFacts(options: RestoreCheckOptions, files: SnapshotFiles): Promise<Facts> {
  const { phone, repository, snapshot, password, tempFolder, signal } = options
  return {
    phone: await readPhoneFacts(phone, { signal }),
    backup: await readBackupFacts({ repository, snapshot, files, password, tempFolder, signal }),
  }
}

/** Throws `run.restore-stopped` when a check says stop that nobody takes the blame for. */
export function refuseStopped(checks: readonly RestoreCheck[], despite: readonly RestoreCheckName[] = []): void {
  const stopped = checks.filter(({ check, verdict }) => verdict === 'stop' && !despite.includes(check))
  if (stopped.length > 0) throw restoreStopped(stopped)
}

/** Asks the phone, and lets it read until it has what it wants. */
async function serve(
  options: RestoreToPhoneOptions,
  files: SnapshotFiles,
  { backup, phone: { ios } }: Facts,
): Promise<BackupOutcome> {
  const { phone, password, onEvent, signal } = options
  const host = openRestoreHost({
    tree: files.tree,
    backup: { udid: backup.udid, folder: files.folder },
    onSent: (bytes) => onEvent({ kind: 'sent', bytes }),
  })
  const applications = await readApplications(files, { signal })
  await using session = await openBackupSession(phone, { signal })
  await using preparation = await prepareRestore(phone, { applications, onEvent, signal })
  onEvent({ kind: 'restoring', bytes: backup.bytes })
  const outcome = await runRestore(session, {
    udid: phone.udid,
    sourceUdid: backup.udid,
    ios,
    options: {
      ...RESTORE_DEFAULTS,
      ...options.options,
      password: backup.isEncrypted ? await secretOf(password) : undefined,
    },
    host,
    onEvent,
    signal,
  })
  if (outcome.outcome === 'finished') preparation.succeeded()
  return outcome
}

async function secretOf(password: PasswordSource | undefined): Promise<Secret | undefined> {
  return typeof password === 'function' ? await password() : password
}
