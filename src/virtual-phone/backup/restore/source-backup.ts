import { join } from 'node:path'
import { dictOf, type PlistDict, parsePlist, textOf } from '../../../plist/index.ts'
import { BackupError, hostReadError, MB } from '../backup-error.ts'
import { payloadPath } from '../file-id.ts'
import { type BackupKeys, parseManifestPlist } from '../manifest-plist.ts'
import { downloadManifestDb, downloadSmall, listSnapshot, type Run, unlock } from '../run.ts'
import { type ParsedStatus, parseStatus } from '../status-plist.ts'

/** The backup that is restored from, as far as its manifest tells. */
export interface SourceBackup {
  /** Manifest.plist. */
  readonly properties: PlistDict
  /** Undefined for an unencrypted backup. */
  readonly keys: BackupKeys | undefined
  /** Where this machine has Manifest.db, decrypted. */
  readonly manifestDb: string
  /** Where the host has a file. */
  hostPath(fileId: string): string
}

type Manifest = Omit<SourceBackup, 'hostPath'>

/**
 * Reads the manifest for a first look; what is missing is complained about by `openSource`, which knows the backup's state.
 * Throws `BackupError` 207 for a wrong or missing password, 205 for a manifest that cannot be read.
 */
export async function peekAtManifest(run: Run): Promise<void> {
  await orMissing(readManifest(run, () => run.root))
}

/**
 * Looks at the backup's state, and reads the manifest that counts in it; also that of an interrupted backup. Throws
 * `BackupError` 204 for no backup, 203 for one in an old format, 205 for one that cannot be read.
 * Source: docs/protocol/mobilebackup2.md#restore
 */
export async function openSource(run: Run): Promise<SourceBackup> {
  const { root } = run
  const inPlace = (fileId: string) => `${root}/${payloadPath(fileId)}`
  switch ((await readStatus(run)).snapshotState) {
    case 'finished':
    case 'removing':
      return { ...(await readManifest(run, () => root)), hostPath: inPlace }
    case 'uploading': {
      const before = await orMissing(readManifest(run, () => root))
      if (before === undefined) throw new BackupError(MB.noBackup, 'Initial backup failed while uploading files')
      return { ...before, hostPath: inPlace }
    }
    case 'moving': {
      const { fileIds, manifests } = await listSnapshot(run)
      const manifest = await readManifest(run, (name) => (manifests.includes(name) ? `${root}/Snapshot` : root))
      const unmoved = (fileId: string) => `${root}/Snapshot/${payloadPath(fileId)}`
      return { ...manifest, hostPath: (fileId) => (fileIds.has(fileId) ? unmoved(fileId) : inPlace(fileId)) }
    }
  }
}

async function readStatus(run: Run): Promise<ParsedStatus> {
  const bytes = await downloadSmall(run, `${run.root}/Status.plist`)
  if (bytes === undefined) throw new BackupError(MB.noBackup, 'No backup to restore from')
  const status = parseStatus(bytes)
  if (status === undefined) {
    throw hostReadError('Error reading status', new BackupError(MB.unparsable, 'Status.plist cannot be read'))
  }
  const { backupState, version } = status
  if (backupState === 'empty') throw new BackupError(MB.noBackup, 'The backup is empty')
  if (backupState === 'old' || version < 2.4) throw new BackupError(MB.unsupported, 'Unsupported backup version')
  return status
}

async function readManifest(run: Run, folderOf: (name: string) => string): Promise<Manifest> {
  const path = `${folderOf('Manifest.plist')}/Manifest.plist`
  const bytes = await downloadSmall(run, path)
  if (bytes === undefined) throw unreadable(new BackupError(MB.notFound, 'Not found', { path }))
  const keys = await openKeys(run, bytes)
  const as = 'Manifest.db'
  const manifest = await downloadManifestDb(run, { folder: folderOf(as), as, keys })
  manifest[Symbol.dispose]()
  return { properties: dictOf(parsePlist(bytes)) ?? {}, keys, manifestDb: join(run.tempFolder, as) }
}

async function openKeys(run: Run, manifestPlist: Uint8Array): Promise<BackupKeys | undefined> {
  try {
    const locked = parseManifestPlist(manifestPlist)
    return locked && (await unlock(run, locked))
  } catch (error) {
    if (!(error instanceof BackupError)) throw error
    if (error.code !== MB.password) throw unreadable(error)
    const inner = new BackupError(MB.internal, 'MKBKeyBagUnlock error (-3)')
    throw new BackupError(MB.password, 'Invalid password when restoring encrypted backup', { inner })
  }
}

function unreadable(inner: BackupError): BackupError {
  return hostReadError('Error reading manifest', inner)
}

/** Undefined when a part of the manifest is not there at all. */
async function orMissing(reading: Promise<Manifest>): Promise<Manifest | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof BackupError && error.inner?.code === MB.notFound) return undefined
    throw error
  }
}

/** `iPhone`, `iPad`; undefined when the backup does not tell. */
export function deviceClassOf({ properties }: SourceBackup): string | undefined {
  return textOf(dictOf(properties.Lockdown)?.DeviceClass)
}

export function deviceNameOf({ properties }: SourceBackup): string | undefined {
  return textOf(dictOf(properties.Lockdown)?.DeviceName)
}
