import { randomUuid } from '../../base/random.ts'
import { BackupError, hostReadError, MB } from './backup-error.ts'
import type { SentFile } from './backup-phone.ts'
import type { HostManifest } from './host-manifest.ts'
import {
  downloadManifestDb,
  downloadManifestPlist,
  downloadSmall,
  listSnapshot,
  type Run,
  verifyPresence,
} from './run.ts'
import { type ParsedStatus, parseStatus } from './status-plist.ts'

/** How the host's folder is to be continued. */
export interface Beginning {
  readonly uuid: string
  /** The newest manifest in the host's folder; undefined for a full backup. Disposed by the one who got it. */
  readonly earlier: HostManifest | undefined
  /** What the earlier, interrupted run has put into Snapshot already. */
  readonly sent: Map<string, SentFile>
  readonly unfinished: Unfinished | undefined
  /** The folder is in an old format: it is put aside under this name and removed at the end. */
  readonly putAside: string | undefined
}

/** What an earlier run had still to do when it was interrupted. */
export interface Unfinished {
  /** Names below Snapshot that belong one level higher. */
  readonly moves: readonly string[]
  /** Files that no manifest knows. */
  readonly removals: readonly string[]
  readonly hasSnapshot: boolean
}

/**
 * Decides between full and incremental from what is in the host's folder. Throws `BackupError` where a phone gives up: it does
 * not start afresh by itself over a finished backup that it cannot read.
 * Source: docs/protocol/mobilebackup2.md#full-or-incremental
 */
export async function findBeginning(run: Run): Promise<Beginning> {
  const bytes = await downloadSmall(run, `${run.root}/Status.plist`)
  if (bytes === undefined) return fullBackup()
  const status = parseStatus(bytes)
  if (status === undefined) throw unreadableStatus()
  if (status.version !== 0 && (status.version < 2.4 || status.version >= 4)) return fullBackup()
  if (status.version < 3.3) return { ...fullBackup(), putAside: `${run.root}-${stamp(run.phone.clock.nowMs())}` }
  try {
    return await continueFrom(status, run)
  } catch (error) {
    if (error instanceof BackupError && error.code === MB.password) return fullBackup()
    throw error
  }
}

async function continueFrom(status: ParsedStatus, run: Run): Promise<Beginning> {
  switch (status.snapshotState) {
    case 'uploading':
      return continueUpload(status, run)
    case 'moving':
    case 'removing':
      return continueMoves(status, run)
    case 'finished':
      return status.isFullBackup ? verifiedOrFull(status, run) : continueFinished(status, run)
  }
}

/** A finished backup: its manifest must be readable, then it is checked against the folder. */
async function continueFinished(status: ParsedStatus, run: Run): Promise<Beginning> {
  const earlier = await readManifest(run, run.root)
  await downloadSmall(run, `${run.root}/Status.plist`)
  return verified(run, { uuid: status.uuid, earlier, sent: new Map() })
}

/** Status says finished and full: hosts that want a full backup write that, with an empty manifest. */
async function verifiedOrFull(status: ParsedStatus, run: Run): Promise<Beginning> {
  await downloadSmall(run, `${run.root}/Status.plist`)
  const earlier = await orNothing(readManifest(run, run.root))
  if (earlier === undefined) return fullBackup()
  return verified(run, { uuid: status.uuid, earlier, sent: new Map() })
}

async function continueUpload(status: ParsedStatus, run: Run): Promise<Beginning> {
  const earlier = status.isFullBackup ? undefined : await readManifest(run, run.root)
  const sent = await confirmSent(status, run)
  if (earlier !== undefined) return verified(run, { uuid: status.uuid, earlier, sent })
  return { uuid: status.uuid, earlier, sent, unfinished: undefined, putAside: undefined }
}

/** The files of the phone's own cache that really are in the host's Snapshot. */
async function confirmSent({ uuid }: ParsedStatus, run: Run): Promise<Map<string, SentFile>> {
  const { cache } = run.phone.agent
  if (cache?.uuid !== uuid || cache.sent.size === 0) return new Map()
  const { fileIds } = await listSnapshot(run)
  return new Map([...cache.sent].filter(([fileId]) => fileIds.has(fileId)))
}

/** The new manifest counts; it may be in Snapshot still, and so may some files. */
async function continueMoves(status: ParsedStatus, run: Run): Promise<Beginning> {
  const snapshot =
    status.snapshotState === 'moving' ? await listSnapshot(run) : { fileIds: new Set<string>(), manifests: [] }
  const folderOf = (name: string) => (snapshot.manifests.includes(name) ? `${run.root}/Snapshot` : run.root)
  await downloadManifestPlist(run, folderOf('Manifest.plist'))
  const earlier = await downloadManifestDb(run, { folder: folderOf('Manifest.db'), as: 'earlier.db' })
  try {
    const { hasSnapshot, strays } = await verifyPresence(run, earlier, {
      elsewhere: snapshot.fileIds,
      wantStrays: true,
    })
    const moves = [...Array.from(snapshot.fileIds, (id) => `${id.slice(0, 2)}/${id}`), ...snapshot.manifests]
    const unfinished = { moves, removals: strays, hasSnapshot }
    return { uuid: status.uuid, earlier, sent: new Map(), unfinished, putAside: undefined }
  } catch (error) {
    return fullIfCorrupt(error, earlier)
  }
}

async function readManifest(run: Run, folder: string): Promise<HostManifest> {
  await downloadManifestPlist(run, folder)
  return downloadManifestDb(run, { folder, as: 'earlier.db' })
}

/** Looks for every file of the manifest; a folder that lacks one is not continued. */
async function verified(
  run: Run,
  found: Pick<Beginning, 'uuid' | 'sent'> & { earlier: HostManifest },
): Promise<Beginning> {
  try {
    await verifyPresence(run, found.earlier)
    return { ...found, unfinished: undefined, putAside: undefined }
  } catch (error) {
    return fullIfCorrupt(error, found.earlier)
  }
}

function fullIfCorrupt(error: unknown, earlier: HostManifest): Beginning {
  earlier[Symbol.dispose]()
  if (error instanceof BackupError) return fullBackup()
  throw error
}

function fullBackup(): Beginning {
  return { uuid: randomUuid(), earlier: undefined, sent: new Map(), unfinished: undefined, putAside: undefined }
}

async function orNothing(reading: Promise<HostManifest>): Promise<HostManifest | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof BackupError) return undefined
    throw error
  }
}

function unreadableStatus(): BackupError {
  return hostReadError('Error reading status', new BackupError(MB.unparsable, 'Status.plist cannot be read'))
}

/** `yyyyMMdd-HHmmss` */
function stamp(nowMs: number): string {
  const [date = '', time = ''] = new Date(nowMs).toISOString().split('T')
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`
}
