import { openBackupSet, type PasswordSource } from '../../backup-set/index.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { dictOf, type PlistDict, parsePlist } from '../../plist/index.ts'
import { listSnapshots, type Repository, type Snapshot } from '../../repository/index.ts'
import { openSnapshotFiles, usedBytes } from '../../run/index.ts'
import type { PlanUse, Reading, Readings } from '../engine.ts'
import { type Looked, look, type OnLook } from './look.ts'
import { factsOfMobileBackup, MOBILE_BACKUP_PLACES } from './mobile-backup-plist.ts'

export interface RepositoryOptions {
  readonly udid: string
  /** Opens the repository that was named. */
  readonly open: (options: { signal: AbortSignal }) => Promise<Repository>
  /** The phone's backup password, if it is known here. */
  readonly backupPassword: PasswordSource | undefined
  /** Where the list of files of a backup is put, decrypted, and removed again. */
  readonly tempFolder: string
  /** What the repository may take at most; undefined where there is no limit. */
  readonly allowanceBytes: number | undefined
  readonly clock: Clock
  readonly onLook?: OnLook | undefined
  readonly signal: AbortSignal
}

const LOOK_MS_MAX = 20_000

/** What our own backups say: the newest one of the phone, what it holds about iCloud, and whether the repository is well. */
export async function gatherRepository(options: RepositoryOptions): Promise<Readings> {
  const limits = { ...options, msMax: LOOK_MS_MAX }
  const found = await look('repository', limits, (signal) => openAndList(options, signal))
  const atMs = options.clock.nowMs()
  if (found.kind === 'unread') return { repositoryObstacle: found, ownLastMs: found, ownRoom: found }
  const { obstacle, repository, newest, freeBytes, allowance } = found.value
  if (repository === undefined) {
    const unread = { kind: 'unread', why: 'refused', note: obstacle } as const
    return { repositoryObstacle: fromRepository(obstacle, atMs), ownLastMs: unread, ownRoom: unread }
  }
  return {
    repositoryObstacle: fromRepository<string>(undefined, atMs),
    ownLastMs: fromRepository(newest && timeOf(newest), atMs),
    ownRoom: fromRepository(freeBytes === undefined ? undefined : { freeBytes }, atMs),
    ownAllowance: fromRepository(allowance, atMs),
    ...(newest && (await gatherBackup(repository, newest, options))),
  }
}

function fromRepository<Value>(value: Value | undefined, atMs: number): Reading<Value> {
  const from = { source: 'repository', atMs } as const
  return value === undefined ? { kind: 'absent', ...from } : { kind: 'known', value, ...from }
}

interface Contents {
  readonly repository: Repository
  readonly newest: Snapshot | undefined
  readonly freeBytes: number | undefined
  readonly allowance: PlanUse | undefined
}

type Opened =
  | ({ readonly obstacle: string } & { readonly [Name in keyof Contents]?: never })
  | ({ readonly obstacle?: never } & Contents)

/** A repository that does not open says why: that is an answer. */
async function openAndList({ open, udid, allowanceBytes }: RepositoryOptions, signal: AbortSignal): Promise<Opened> {
  try {
    const repository = await open({ signal })
    const snapshots = await listSnapshots(repository, { signal })
    const newest = snapshots.filter(({ paths }) => paths.includes(`/${udid}`)).at(-1)
    const freeBytes = await repository.backend.freeBytes({ signal })
    const allowance =
      allowanceBytes === undefined
        ? undefined
        : { usedBytes: await usedBytes(repository, { signal }), totalBytes: allowanceBytes }
    return { repository, newest, freeBytes, allowance }
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return { obstacle: error.code }
  }
}

function timeOf({ time }: Snapshot): number {
  return Temporal.Instant.from(time).epochMilliseconds
}

/** What the phone had noted about iCloud when the backup was made. An encrypted one needs its password. */
async function gatherBackup(repository: Repository, snapshot: Snapshot, options: RepositoryOptions): Promise<Readings> {
  const limits = { ...options, msMax: LOOK_MS_MAX }
  const looked = await look('backup', limits, (signal) => readMobileBackup(repository, snapshot, options, signal))
  const password = passwordFact(looked, options)
  if (looked.kind === 'known') return { ...factsOfMobileBackup(looked.value.plist, timeOf(snapshot)), ...password }
  return looked.note === 'backup-set.encrypted' ? password : { cloudErrors: looked, ...password }
}

interface MobileBackup {
  /** Empty when the backup has no such file. */
  readonly plist: PlistDict
  readonly isEncrypted: boolean
}

async function readMobileBackup(
  repository: Repository,
  snapshot: Snapshot,
  { backupPassword, tempFolder }: RepositoryOptions,
  signal: AbortSignal,
): Promise<MobileBackup> {
  await repository.loadIndex({ signal })
  const files = await openSnapshotFiles(repository, snapshot, { signal })
  await using set = await openBackupSet(files, { password: backupPassword, tempFolder, signal })
  const { isEncrypted } = set
  const entry = MOBILE_BACKUP_PLACES.map((place) => set.find(place)).find((found) => found?.kind === 'file')
  if (entry === undefined || entry.record.sizeBytes > PLIST_BYTES_MAX) return { plist: {}, isEncrypted }
  const bytes = Buffer.concat(await Array.fromAsync(set.read(entry, { signal })))
  return { plist: dictOf(parsePlist(bytes)) ?? {}, isEncrypted }
}

/** A real one has a few kilobytes. */
const PLIST_BYTES_MAX = 1 << 20

/** A password that has opened the newest backup is known; one that has not is another one. */
function passwordFact(looked: Looked<MobileBackup>, { backupPassword, clock }: RepositoryOptions): Readings {
  if (backupPassword === undefined) return {}
  const from = { kind: 'known', source: 'repository', atMs: clock.nowMs() } as const
  if (looked.kind === 'unread') {
    return looked.note === 'backup-set.wrong-password' ? { knowsPassword: { ...from, value: false } } : {}
  }
  return looked.value.isEncrypted ? { knowsPassword: { ...from, value: true } } : {}
}
