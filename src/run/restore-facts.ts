import { openBackupSet, type PasswordSource, parseManifest, parseStatus } from '../backup-set/index.ts'
import { AppError, isAppError } from '../base/errors.ts'
import { getValues, openSession, type Phone, parseUdid, readSupervision } from '../device/index.ts'
import { boolOf, dictOf, numberOf, type PlistDict, parsePlist, textOf } from '../plist/index.ts'
import { isTreeWhole, type Repository, type Snapshot } from '../repository/index.ts'
import type { BackupFacts, PhoneFacts } from './restore-checks.ts'
import { compareWithList, listStoredFiles, type StoredFiles } from './restore-completeness.ts'
import type { SnapshotFiles } from './snapshot-files.ts'

interface SignalOption {
  readonly signal: AbortSignal
}

/** Asks the phone for all that the checks before a restore need. Source: docs/protocol/lockdown.md#values. */
export async function readPhoneFacts(phone: Phone, { signal }: SignalOption): Promise<PhoneFacts> {
  const { own, disk, battery, findMy } = await readDomains(phone, { signal })
  return {
    udid: phone.udid,
    ios: textOf(own.ProductVersion),
    model: textOf(own.ProductType),
    availableBytes: numberOf(disk.AmountRestoreAvailable) ?? numberOf(disk.AmountDataAvailable),
    batteryPercent: numberOf(battery.BatteryCurrentCapacity),
    isOnPower: isOnPower(battery),
    isFindMyOn: boolOf(findMy.IsAssociated),
    isSupervised: await readSupervision(phone, { signal }),
  }
}

/** A cable that is in but gives nothing is no power. */
function isOnPower({ ExternalConnected, ExternalChargeCapable }: PlistDict): boolean | undefined {
  return boolOf(ExternalChargeCapable) === false ? false : boolOf(ExternalConnected)
}

async function readDomains(phone: Phone, { signal }: SignalOption) {
  await using session = await openSession(phone, { signal })
  const read = (domain?: string) => getValues(session.lockdown, domain === undefined ? {} : { domain }, { signal })
  return {
    own: await read(),
    disk: await read('com.apple.disk_usage'),
    battery: await read('com.apple.mobile.battery'),
    findMy: await read('com.apple.fmip'),
  }
}

export interface BackupFactsOptions extends SignalOption {
  readonly repository: Repository
  readonly snapshot: Snapshot
  readonly files: SnapshotFiles
  /** Of the backup, if it is encrypted. */
  readonly password: PasswordSource | undefined
  /** Where the backup's list of files is put to be read, and removed again. */
  readonly tempFolder: string
}

/**
 * Reads what a snapshot holds, every file's place included. Damage is part of the answer; throws `device.bad-udid` when not even
 * the phone that it is of can be told.
 */
export async function readBackupFacts(options: BackupFactsOptions): Promise<BackupFacts> {
  const { files, signal } = options
  const manifest = await unlessDamaged(() => readSmall(files, 'Manifest.plist', parseManifest, { signal }))
  const status = await unlessDamaged(() => readSmall(files, 'Status.plist', parseStatus, { signal }))
  const stored = await unlessDamaged(() => listStoredFiles(files.tree, files.folder, { signal }))
  const list = stored instanceof AppError ? damagedList(stored.message) : await readList(options, stored)
  const known = manifest instanceof AppError ? undefined : manifest
  return {
    udid: parseUdid(known?.udid ?? files.folder.at(-1) ?? ''),
    ios: known?.productVersion,
    model: known?.productType,
    snapshotState: status instanceof AppError ? undefined : status?.snapshotState,
    bytes: stored instanceof AppError ? 0 : stored.bytes,
    isEncrypted: known?.isEncrypted === true || list.password === 'opens',
    ...list,
  }
}

type ListFacts = Pick<BackupFacts, 'password' | 'completeness'>

/** Opens the phone's own list with the password, which proves it, and compares; first, whether all data is in the repository. */
async function readList(options: BackupFactsOptions, stored: StoredFiles): Promise<ListFacts> {
  const { repository, snapshot, files, password, tempFolder, signal } = options
  try {
    if (!(await isTreeWhole(repository, snapshot.tree, { signal }))) {
      return damagedList('The repository has lost a part of this snapshot')
    }
    await using set = await openBackupSet(files, { password, tempFolder, signal })
    const completeness = await compareWithList(set.entries(), stored, { signal })
    return { password: set.isEncrypted ? 'opens' : 'none', completeness }
  } catch (error) {
    if (isAppError(error, 'backup-set.encrypted')) return { password: 'missing', completeness: { kind: 'closed' } }
    if (isAppError(error, 'backup-set.wrong-password')) return { password: 'wrong', completeness: { kind: 'closed' } }
    if (isDamage(error)) return damagedList(error.message)
    throw error
  }
}

function damagedList(saw: string): ListFacts {
  return { password: 'unknown', completeness: { kind: 'damaged', saw } }
}

/** Damaged content as a value. */
async function unlessDamaged<Value>(work: () => Promise<Value>): Promise<Value | AppError> {
  try {
    return await work()
  } catch (error) {
    if (isDamage(error)) return error
    throw error
  }
}

function isDamage(error: unknown): error is AppError {
  return isAppError(error) && (/^(backup-set|plist)\./.test(error.code) || error.code === 'repo.damaged')
}

/** Info.plist, the largest, has up to 10 MB. */
const PLIST_BYTES_MAX = 64 * 2 ** 20

async function readSmall<Parsed>(
  files: SnapshotFiles,
  name: string,
  parse: (bytes: Uint8Array) => Parsed,
  { signal }: SignalOption,
): Promise<Parsed | undefined> {
  const file = await files.open(name, { signal })
  if (file === undefined || file.bytes > PLIST_BYTES_MAX) return undefined
  return parse(Buffer.concat(await Array.fromAsync(file.content)))
}

/** What the phone is left to install apps by after a restore; undefined when the backup's Info.plist has no such list. */
export async function readApplications(files: SnapshotFiles, { signal }: SignalOption): Promise<PlistDict | undefined> {
  const parse = (bytes: Uint8Array) => dictOf(dictOf(parsePlist(bytes))?.Applications)
  const applications = await unlessDamaged(() => readSmall(files, 'Info.plist', parse, { signal }))
  return applications instanceof AppError ? undefined : applications
}
