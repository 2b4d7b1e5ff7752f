import { join } from 'node:path'
import type { WaitOptions } from '../../base/channel.ts'
import type { Secret } from '../../base/secret.ts'
import { BackupError, hostReadError, MB, statusError } from './backup-error.ts'
import type { BackupPhone } from './backup-phone.ts'
import { PREFIXES } from './file-id.ts'
import { type HostDrive, memorySink } from './host-drive.ts'
import { HostManifest } from './host-manifest.ts'
import { IncomingFile } from './incoming-file.ts'
import { type BackupKeys, type LockedKeys, parseManifestPlist } from './manifest-plist.ts'

/** One operation on the host's folder: who, where, and room for temporary files. */
export interface Run extends WaitOptions {
  readonly phone: BackupPhone
  readonly drive: HostDrive
  /** The host's folder for this phone: the UDID. */
  readonly root: string
  /** What opens the host's backup if it is encrypted: the phone's own password, or one that came with the request. */
  readonly password: Secret | undefined
  /** A folder on this machine that is removed when the run is over. */
  readonly tempFolder: string
}

/** Status.plist is 190 bytes, Manifest.plist with a thousand apps half a megabyte. */
const SMALL_FILE_BYTES_MAX = 16 * 2 ** 20

/** A small file of the host; undefined when it has none. Throws `BackupError` 103 when it cannot be read. */
export async function downloadSmall(run: Pick<Run, 'drive' | 'signal'>, path: string): Promise<Uint8Array | undefined> {
  const { sink, bytes } = memorySink(SMALL_FILE_BYTES_MAX)
  const { code, text } = await run.drive.download(path, sink, run)
  if (code === -6) return undefined
  if (code !== 0) throw hostReadError(`Error reading ${nameOf(path)}`, statusError(code, text, path))
  return bytes()
}

/**
 * Gets the host's Manifest.plist and opens its keys; undefined for an unencrypted backup. Throws 205 for a missing or broken one,
 * 207 when the password does not open it.
 */
export async function downloadManifestPlist(run: Run, folder: string): Promise<BackupKeys | undefined> {
  const path = `${folder}/Manifest.plist`
  const bytes = await downloadSmall(run, path)
  if (bytes === undefined)
    throw hostReadError('Error reading manifest', new BackupError(MB.notFound, 'Not found', { path }))
  try {
    const locked = parseManifestPlist(bytes)
    return locked && (await unlock(run, locked))
  } catch (error) {
    if (error instanceof BackupError && error.code === MB.unparsable)
      throw hostReadError('Error reading manifest', error)
    throw error
  }
}

/** Throws `BackupError` 207 when the run has not the password, 11 for keys that make no sense. */
export async function unlock({ phone, password }: Run, locked: LockedKeys): Promise<BackupKeys> {
  const bag = password && (await phone.agent.encryption.openKeyBag(locked.keyBag, password))
  if (bag === undefined) throw new BackupError(MB.password, 'Invalid password')
  const manifestKey = bag.unwrap(locked.manifestKey)
  if (manifestKey === undefined) throw new BackupError(MB.unparsable, 'The key of the manifest cannot be unwrapped')
  return { bag, manifestKey }
}

/** The largest that was seen of a real phone is 1.5 GB. */
const MANIFEST_DB_BYTES_MAX = 4 * 2 ** 30

/** Gets the host's Manifest.db whole, decrypted, and opens the copy. Throws 205 for a missing or broken one. */
export async function downloadManifestDb(
  run: Run,
  { folder, as, keys }: { folder: string; as: string; keys: BackupKeys | undefined },
): Promise<HostManifest> {
  const local = join(run.tempFolder, as)
  const room = { left: MANIFEST_DB_BYTES_MAX }
  try {
    await downloadFile(run, `${folder}/Manifest.db`, { path: local, key: keys?.manifestKey, room })
    return new HostManifest(local, keys)
  } catch (error) {
    if (error instanceof BackupError) throw hostReadError('Error reading manifest', error)
    throw error
  }
}

/** Gets one file into a file of this machine. Throws `BackupError` for what the host refuses, and for what went wrong here. */
export async function downloadFile(
  run: Run,
  hostPath: string,
  options: ConstructorParameters<typeof IncomingFile>[0],
): Promise<void> {
  await using file = new IncomingFile(options)
  const results = await run.drive.downloadAll([hostPath], () => file, run)
  const { code, text } = results.get(hostPath)!
  if (code !== 0) throw statusError(code, text, hostPath)
  if (file.failure !== undefined) throw file.failure
}

/** What a look at the host's folder found. */
export interface Listing {
  readonly hasSnapshot: boolean
  /** Files that the manifest does not know; `ab/abcdef…`. Only filled when asked for. */
  readonly strays: readonly string[]
}

/**
 * Looks whether every file of the manifest is in the host's folder (or is in `elsewhere`), one folder after the other.
 * Throws `BackupError` 205 at the first that is missing.
 */
export async function verifyPresence(
  run: Run,
  manifest: HostManifest,
  { elsewhere = new Set(), wantStrays = false }: { elsewhere?: ReadonlySet<string>; wantStrays?: boolean } = {},
): Promise<Listing> {
  const top = await run.drive.list(run.root, run)
  const strays: string[] = []
  for (const prefix of PREFIXES) {
    const isThere = top.get(prefix) === 'folder'
    const names = isThere ? await run.drive.list(`${run.root}/${prefix}`, run) : new Map<string, string>()
    for (const fileId of manifest.fileIds(prefix)) {
      if (names.get(fileId) !== 'file' && !elsewhere.has(fileId)) throw missingFile(run, fileId)
      names.delete(fileId)
    }
    if (wantStrays) strays.push(...Array.from(names.keys(), (name) => `${prefix}/${name}`))
  }
  return { hasSnapshot: top.get('Snapshot') === 'folder', strays }
}

function missingFile(run: Run, fileId: string): BackupError {
  const path = `${run.root}/${fileId.slice(0, 2)}/${fileId}`
  const inner = new BackupError(MB.notFound, 'File not found', { path })
  return new BackupError(MB.inconsistent, 'Manifest references files not in backup', { inner })
}

/** File IDs in the host's Snapshot folder. */
export async function listSnapshot(run: Run): Promise<{ fileIds: Set<string>; manifests: readonly string[] }> {
  const top = await run.drive.list(`${run.root}/Snapshot`, run)
  const fileIds = new Set<string>()
  for (const prefix of PREFIXES) {
    if (top.get(prefix) !== 'folder') continue
    for (const [name, kind] of await run.drive.list(`${run.root}/Snapshot/${prefix}`, run)) {
      if (kind === 'file') fileIds.add(name)
    }
  }
  return { fileIds, manifests: ['Manifest.plist', 'Manifest.db'].filter((name) => top.get(name) === 'file') }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
