import { BackupError, hostReadError, MB } from './backup-error.ts'
import { type SentFile, uuidOfBackup } from './backup-phone.ts'
import { payloadPath } from './file-id.ts'
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
  readonly sent: ReadonlyMap<string, SentFile>
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
  if (bytes === undefined) return fullBackup(run)
  const status = parseStatus(bytes)
  if (status === undefined) throw unreadableStatus()
  if (status.version !== 0 && (status.version < 2.4 || status.version >= 4)) return fullBackup(run)
  if (status.version < 3.3) return { ...fullBackup(run), putAside: `${run.root}-${stamp(run.phone.clock.nowMs())}` }
  try {
    return await continueFrom(status, run)
  } catch (error) {
    if (error instanceof BackupError && error.code === MB.password) return fullBackup(run)
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
async function continueFinished({ uuid }: ParsedStatus, run: Run): Promise<Beginning> {
  const earlier = await readManifest(run)
  return orFull(run, earlier, async () => {
    await downloadSmall(run, `${run.root}/Status.plist`)
    await verifyPresence(run, earlier)
    return { ...NOTHING_YET, uuid, earlier }
  })
}

/** Status says finished and full: hosts that want a full backup write that, with an empty manifest. */
async function verifiedOrFull({ uuid }: ParsedStatus, run: Run): Promise<Beginning> {
  await downloadSmall(run, `${run.root}/Status.plist`)
  const earlier = await orNothing(readManifest(run))
  if (earlier === undefined) return fullBackup(run)
  return orFull(run, earlier, async () => {
    await verifyPresence(run, earlier)
    return { ...NOTHING_YET, uuid, earlier }
  })
}

/** An encrypted first backup has no key bag on the host yet, and begins again. */
async function continueUpload(status: ParsedStatus, run: Run): Promise<Beginning> {
  const { uuid, isFullBackup } = status
  if (isFullBackup && run.password !== undefined) return fullBackup(run)
  if (isFullBackup) return { ...NOTHING_YET, uuid, sent: await confirmSent(status, run) }
  const earlier = await readManifest(run)
  return orFull(run, earlier, async () => {
    const sent = await confirmSent(status, run)
    await verifyPresence(run, earlier)
    return { ...NOTHING_YET, uuid, earlier, sent }
  })
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
  const earlier = await readManifest(run, { plistIn: folderOf('Manifest.plist'), dbIn: folderOf('Manifest.db') })
  return orFull(run, earlier, async () => {
    const found = await verifyPresence(run, earlier, { elsewhere: snapshot.fileIds, wantStrays: true })
    const moves = [...Array.from(snapshot.fileIds, payloadPath), ...snapshot.manifests]
    const unfinished = { moves, removals: found.strays, hasSnapshot: found.hasSnapshot }
    return { ...NOTHING_YET, uuid: status.uuid, earlier, unfinished }
  })
}

/** Throws 207 also for an unencrypted backup when the phone encrypts. */
async function readManifest(run: Run, { plistIn = run.root, dbIn = run.root } = {}): Promise<HostManifest> {
  const keys = await downloadManifestPlist(run, plistIn)
  if (keys === undefined && run.password !== undefined) {
    throw new BackupError(MB.password, 'The encryption setting differs')
  }
  return await downloadManifestDb(run, { folder: dbIn, as: 'earlier.db', keys })
}

/** A folder that does not pass the check, for one because a file is missing, is not continued. */
async function orFull(run: Run, earlier: HostManifest, check: () => Promise<Beginning>): Promise<Beginning> {
  try {
    return await check()
  } catch (error) {
    earlier[Symbol.dispose]()
    if (error instanceof BackupError) return fullBackup(run)
    throw error
  }
}

const NOTHING_YET = {
  earlier: undefined,
  sent: new Map<string, SentFile>(),
  unfinished: undefined,
  putAside: undefined,
}

function fullBackup({ phone }: Run): Beginning {
  return { ...NOTHING_YET, uuid: uuidOfBackup(phone) }
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
export function stamp(nowMs: number): string {
  const [date = '', time = ''] = new Date(nowMs).toISOString().split('T')
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`
}
