import { createHash } from 'node:crypto'
import { utf8 } from '../../base/bytes.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import type { Entry } from '../contents/index.ts'
import { withPauses } from '../with-pauses.ts'
import { BackupError, hostWriteError, MB, statusError } from './backup-error.ts'
import type { SentFile } from './backup-phone.ts'
import { encryptBlocks, encryptedSize } from './encryption/ciphertext.ts'
import { CLASS_NONE, type KeyBag } from './encryption/key-bag.ts'
import { devicePathOf, fileIdOf, payloadPath } from './file-id.ts'
import type { HostManifest } from './host-manifest.ts'
import type { ManifestWriter } from './manifest-writer.ts'
import { encodeMbFile, type StoredBytes } from './mb-file.ts'
import type { Run } from './run.ts'
import { type FileNames, IO_ERROR_CODE, type UploadStream } from './upload-stream.ts'

/** Files in one DLMessageUploadFiles, and items in one move or remove. */
export const BATCH_MAX = 128

/** What one backup knows while it sends files. */
export interface Payload {
  readonly run: Run
  readonly earlier: HostManifest | undefined
  /** Grows with every file that the host confirmed. */
  readonly sent: Map<string, SentFile>
  readonly manifest: ManifestWriter
  /** Undefined: nothing is encrypted. */
  readonly keyBag: KeyBag | undefined
  /** Bytes of files that are to be sent, for the progress. */
  readonly bytesTotal: number
  bytesDone: number
  /** Domains in which a file changed while it was read. */
  readonly changedDomains: Set<string>
}

/** How many bytes there are to send. */
export async function measurePayload(
  entries: Iterable<Entry>,
  known: Pick<Payload, 'earlier' | 'sent' | 'keyBag'>,
): Promise<number> {
  let bytes = 0
  for await (const entry of withPauses(entries)) {
    if (planOf(entry, known).kind === 'send') bytes += storedSize(entry, known)
  }
  return bytes
}

function storedSize({ size }: Entry, { keyBag }: Pick<Payload, 'keyBag'>): number {
  return keyBag === undefined ? size : encryptedSize(size)
}

/** Sends the files that the host has not, in batches, and writes the manifest's row for every entry. */
export async function sendPayload(payload: Payload, entries: Iterable<Entry>): Promise<void> {
  const batch: Planned[] = []
  for await (const entry of withPauses(entries)) {
    const plan = planOf(entry, payload)
    if (plan.kind === 'keep') payload.manifest.add(plan.fileId, entry, plan.record)
    else batch.push({ entry, fileId: plan.fileId })
    if (batch.length === BATCH_MAX) await sendBatch(payload, batch.splice(0))
  }
  if (batch.length > 0) await sendBatch(payload, batch)
}

interface Planned {
  readonly entry: Entry
  readonly fileId: string
}

type Plan =
  | { readonly kind: 'send'; readonly fileId: string }
  | { readonly kind: 'keep'; readonly fileId: string; readonly record: Uint8Array }

/** Unmodified is what has the same modification time, in seconds; then the row stays as it was, byte for byte. */
function planOf(entry: Entry, { earlier, sent, keyBag }: Pick<Payload, 'earlier' | 'sent' | 'keyBag'>): Plan {
  const fileId = fileIdOf(entry)
  const row = earlier?.find(fileId)
  if (row?.modifiedS === entry.modifiedS) return { kind: 'keep', fileId, record: row.record }
  const before = entry.kind === 'file' ? sent.get(fileId) : { modifiedS: entry.modifiedS }
  if (before?.modifiedS !== entry.modifiedS) return { kind: 'send', fileId }
  const key = entry.kind === 'file' ? fileKeyOf({ entry, fileId }, keyBag) : undefined
  const stored = { ...(before.digest && { digest: before.digest }), ...(key && { encryptionKey: key.wrapped }) }
  return { kind: 'keep', fileId, record: encodeMbFile(entry, stored) }
}

interface FileKey {
  readonly key: Uint8Array
  /** For its protection class. */
  readonly wrapped: Uint8Array
}

/** Every state of a file has a key of its own; undefined when nothing is encrypted. */
function fileKeyOf({ entry, fileId }: Planned, keyBag: KeyBag | undefined): FileKey | undefined {
  if (keyBag === undefined) return undefined
  const key = keyBag.makeKey(`${fileId} ${entry.modifiedS}`)
  const protectionClass = keyBag.has(entry.protectionClass) ? entry.protectionClass : CLASS_NONE
  return { key, wrapped: keyBag.wrap(protectionClass, key) }
}

interface Read extends Planned, StoredBytes {}

async function sendBatch(payload: Payload, batch: readonly Planned[]): Promise<void> {
  const { run, manifest } = payload
  const read: Read[] = []
  const failed: BackupError[] = []
  const bytes = batch.reduce((sum, { entry }) => sum + storedSize(entry, payload), 0)
  const play = async (stream: UploadStream) => {
    for (const planned of batch) {
      const outcome = await sendFile(payload, planned, stream)
      if (outcome instanceof BackupError) failed.push(outcome)
      else if (outcome !== undefined) read.push(outcome)
    }
  }
  const announced = run.phone.faults.take('misreport-size')?.bytes ?? bytes
  const { code, text } = await run.drive.upload(announced, play, run)
  if (code !== 0) throw hostWriteError('Multiple errors uploading files', statusError(code, text))
  if (failed[0] !== undefined)
    throw new BackupError(MB.hostWrite, 'Multiple errors uploading files', { inner: failed[0] })
  for (const file of read) confirm(payload, manifest, file)
}

function confirm({ sent }: Payload, manifest: ManifestWriter, { entry, fileId, ...stored }: Read): void {
  sent.set(fileId, { modifiedS: entry.modifiedS, ...(stored.digest && { digest: stored.digest }) })
  manifest.add(fileId, entry, encodeMbFile(entry, stored))
}

/** Streams one file. Undefined: it is gone, and so it is left out. A file that breaks off ends with its own error code. */
async function sendFile(
  payload: Payload,
  planned: Planned,
  stream: UploadStream,
): Promise<Read | BackupError | undefined> {
  const { entry, fileId } = planned
  const { run } = payload
  const names = { devicePath: devicePathOf(entry), hostPath: `${run.root}/Snapshot/${payloadPath(fileId)}` }
  const digest = hasDigest(entry.domain) ? createHash('sha1') : undefined
  const key = fileKeyOf(planned, payload.keyBag)
  if (run.phone.faults.take('send-twice') !== undefined) await sendDecoy(stream, names)
  const file = stream.file(names)
  try {
    const blocks = run.phone.contents.read(entry, run)
    for await (const block of key === undefined ? blocks : encryptBlocks(key.key, blocks)) {
      await file.data(block)
      digest?.update(block)
      advance(payload, block.length)
    }
  } catch (error) {
    if (isGone(error)) return undefined
    if (!isReadError(error)) throw error
    file.end(IO_ERROR_CODE, 'Input/output error (5)')
    return new BackupError(MB.deviceRead, 'Input/output error', { path: names.devicePath })
  }
  const failure = run.phone.faults.take('end-file')
  file.end(failure?.code, failure?.text)
  if (failure !== undefined) return new BackupError(MB.deviceRead, failure.text ?? '', { path: names.devicePath })
  noteChange(payload, entry)
  return {
    ...planned,
    ...(digest && { digest: digest.digest() }),
    ...(key && { encryptionKey: key.wrapped }),
  }
}

/** What stood under that name before: the file itself follows, and is the one that counts. */
async function sendDecoy(stream: UploadStream, names: FileNames): Promise<void> {
  const decoy = stream.file(names)
  await decoy.data(utf8('an earlier version of this file'))
  decoy.end()
}

/** Removed since the phone was looked through; only seen before the first byte. */
function isGone(error: unknown): boolean {
  return isAppError(error, 'virtual-phone.no-such-file') || isSystemError(error, 'ENOENT')
}

/** The file could not be read on the phone, as opposed to a host that went away. */
function isReadError(error: unknown): boolean {
  return isSystemError(error) && 'syscall' in error && (error.syscall === 'open' || error.syscall === 'read')
}

function noteChange({ run, changedDomains }: Payload, entry: Entry): void {
  run.phone.agent.afterRead?.(entry)
  if (run.phone.contents.find(entry)?.modifiedS !== entry.modifiedS) changedDomains.add(entry.domain)
}

function advance(payload: Payload, bytes: number): void {
  payload.bytesDone += bytes
  payload.run.drive.progress = Math.min(99, (100 * payload.bytesDone) / Math.max(1, payload.bytesTotal))
}

/** Source: docs/protocol/mobilebackup2.md#manifest */
const DOMAINS_WITH_DIGEST = new Set([
  'DatabaseDomain',
  'HomeDomain',
  'InstallDomain',
  'KeyboardDomain',
  'KeychainDomain',
  'ManagedPreferencesDomain',
  'RootDomain',
  'SystemPreferencesDomain',
  'WirelessDomain',
])

function hasDigest(domain: string): boolean {
  return DOMAINS_WITH_DIGEST.has(domain)
}
