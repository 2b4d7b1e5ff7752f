import type { Traits } from '../../contents/entry.ts'
import type { FileStore, PhoneContents } from '../../contents/index.ts'
import { BackupError, MB, statusError } from '../backup-error.ts'
import { roomOf } from '../backup-phone.ts'
import { IncomingFile, type Room } from '../incoming-file.ts'
import { BATCH_MAX } from '../payload.ts'
import type { Run } from '../run.ts'
import type { FileRow } from './file-row.ts'
import { readRows } from './row-reader.ts'
import type { Scope } from './scope.ts'
import type { SourceBackup } from './source-backup.ts'

/** How many bytes of files there are to restore, by the manifest. Throws `BackupError` 205 for a damaged one. */
export async function measureContent(run: Run, { manifestDb }: SourceBackup, covers: Scope): Promise<number> {
  let bytes = 0
  for await (const row of readRows(manifestDb)) {
    run.signal.throwIfAborted()
    if (covers(row.domain)) bytes += row.size
  }
  return bytes
}

/** What one restore knows while it gets files. */
export interface Fetching {
  readonly run: Run
  readonly backup: SourceBackup
  readonly covers: Scope
  /** Takes the bytes; a file's number is how many came before it. */
  readonly store: FileStore
  /** Takes everything else about the entries. */
  readonly brought: PhoneContents
  /** For the progress. */
  readonly bytesTotal: number
}

/** Rows held in memory at most. */
const ROWS_MAX = 1_000

/**
 * Gets everything that is to be restored, in the manifest's order and in batches of at most 128 files. Throws `BackupError` 106
 * when the phone or this machine has no room for it, 205 for files that the host has not, or not whole.
 */
export async function fetchContent(fetching: Fetching): Promise<void> {
  const progress: Progress = { files: 0, bytes: 0, traits: new Map(), room: { left: roomOf(fetching.run.phone) } }
  let batch: FileRow[] = []
  let files = 0
  for await (const row of readRows(fetching.backup.manifestDb)) {
    if (!fetching.covers(row.domain)) continue
    batch.push(row)
    if (row.traits.kind === 'file') files += 1
    if (files < BATCH_MAX && batch.length < ROWS_MAX) continue
    await fetchBatch(fetching, batch, progress)
    batch = []
    files = 0
  }
  await fetchBatch(fetching, batch, progress)
}

interface Progress {
  files: number
  bytes: number
  /** Few differ, so entries share them. */
  readonly traits: Map<string, Traits>
  /** Of the phone: a host may send more than the manifest says. */
  readonly room: Room
}

async function fetchBatch(fetching: Fetching, batch: readonly FileRow[], progress: Progress): Promise<void> {
  const { brought, run, bytesTotal } = fetching
  const files = batch.filter(({ traits }) => traits.kind === 'file')
  const contents = await download(fetching, files, progress)
  for (const row of batch) {
    const { domain, relativePath, modifiedS, changedS, bornS, inode, target } = row
    const traits = progress.traits.getOrInsertComputed(JSON.stringify(row.traits), () => row.traits)
    const common = { domain, relativePath, modifiedS, changedS, bornS, traits, ...(inode !== undefined && { inode }) }
    if (traits.kind === 'file') brought.put({ ...common, ...contents.get(row.fileId)! })
    else brought.put(traits.kind === 'link' ? { ...common, target } : { ...common, folder: true })
  }
  progress.files += files.length
  for (const { size } of contents.values()) progress.bytes += size
  run.drive.progress = Math.min(100, (100 * progress.bytes) / Math.max(1, bytesTotal))
}

interface StoredFile {
  readonly source: FileStore
  readonly seed: number
  /** Bytes, decrypted. */
  readonly size: number
}

/** Gets the files, by their IDs; they are numbered in the store in the order in which they come. */
async function download(
  { run, backup, store }: Fetching,
  rows: readonly FileRow[],
  { files: first, room }: Progress,
): Promise<ReadonlyMap<string, StoredFile>> {
  if (rows.length === 0) return new Map()
  await using open = new AsyncDisposableStack()
  const files = new Map<string, { row: FileRow; seed: number; incoming: IncomingFile }>()
  for (const [at, row] of rows.entries()) {
    const seed = first + at
    const file = new IncomingFile({ path: store.pathOf(seed), room, key: keyOf(row, backup), digest: row.digest })
    files.set(backup.hostPath(row.fileId), { row, seed, incoming: open.use(file) })
  }
  const results = await run.drive.downloadAll([...files.keys()], (hostPath) => files.get(hostPath)!.incoming, run)
  const failures = Array.from(results, ([hostPath, { code, text }]) =>
    code === 0 ? files.get(hostPath)?.incoming.failure : statusError(code, text, hostPath),
  ).filter((failure) => failure !== undefined)
  if (failures.length > 0) throw severalErrors(failures)
  return new Map(
    Array.from(files.values(), ({ row, seed, incoming }) => [row.fileId, { source: store, seed, size: incoming.size }]),
  )
}

/** Of a file in an encrypted backup. */
function keyOf({ encryptionKey, domain, relativePath }: FileRow, { keys }: SourceBackup): Uint8Array | undefined {
  if (keys === undefined) return undefined
  const key = encryptionKey && keys.bag.unwrap(encryptionKey)
  if (key !== undefined) return key
  const path = `${domain}/${relativePath}`
  throw severalErrors([new BackupError(MB.internal, 'The key of a file cannot be unwrapped', { path })])
}

/** One failure tells for all: that the phone is full, or the first. */
function severalErrors(failures: readonly BackupError[]): BackupError {
  const full = failures.find(({ code }) => code === MB.deviceFull)
  if (full !== undefined) return full
  return new BackupError(MB.inconsistent, 'Multiple errors downloading files', { inner: failures[0]! })
}
