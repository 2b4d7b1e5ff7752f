import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtempDisposable, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { WaitOptions } from '../../base/channel.ts'
import { BLOCK_BYTES_MAX } from '../contents/source.ts'
import { BackupError, MB } from './backup-error.ts'
import { type BackupPhone, timeOfBackup, uuidOfBackup } from './backup-phone.ts'
import { encryptBlocks, encryptedSize } from './encryption/ciphertext.ts'
import type { KeyBag } from './encryption/key-bag.ts'
import { PREFIXES, payloadPath } from './file-id.ts'
import type { HostDrive } from './host-drive.ts'
import type { HostManifest } from './host-manifest.ts'
import { type BackupKeys, encodeManifestPlist } from './manifest-plist.ts'
import { ManifestWriter } from './manifest-writer.ts'
import { BATCH_MAX, measurePayload, type Payload, sendPayload } from './payload.ts'
import { type Beginning, findBeginning, type Unfinished } from './resume.ts'
import { downloadManifestDb, downloadManifestPlist, downloadSmall, type Run, verifyPresence } from './run.ts'
import { type BackupStatus, encodeStatus, parseStatus, STATUS_VERSION } from './status-plist.ts'

/**
 * One whole backup, as the phone commands it. Throws `BackupError` for what the host is to be told; whatever else it throws
 * ends the session. What was sent before a lost connection is remembered in the phone's cache.
 * Source: docs/protocol/mobilebackup2.md#a-backup
 */
export async function backUp(phone: BackupPhone, drive: HostDrive, { signal }: WaitOptions): Promise<void> {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'virtual-phone-'))
  const { password } = phone.agent.encryption
  const run: Run = { phone, drive, root: phone.udid, password, tempFolder: temp.path, signal }
  const beginning = await findBeginning(run)
  using earlier = beginning.earlier
  using manifest = new ManifestWriter(join(temp.path, 'Manifest.db'))
  const { uuid } = beginning
  const sent = new Map(beginning.sent)
  phone.agent.cache = { uuid, sent }
  const keyBag = earlier === undefined ? await createKeyBag(run) : earlier.keys?.bag
  const bytesTotal = await measurePayload(phone.contents.entries(), { earlier, sent, keyBag })
  await ensureRoom(run, bytesTotal)
  if (beginning.unfinished !== undefined) await finishEarlier(run, beginning.unfinished)
  if (beginning.putAside !== undefined) await drive.move(new Map([[run.root, beginning.putAside]]), run)
  const isFirst = earlier === undefined
  const payload: Payload = { run, earlier, sent, manifest, keyBag, bytesTotal, bytesDone: 0, changedDomains: new Set() }
  await stage(payload, { uuid, isFirst })
  await commit(payload, beginning)
  await verifyFinished(run, uuid)
  phone.agent.cache = undefined
}

/** A full backup of the same state of the phone has the same one, whoever makes it; undefined without encryption. */
function createKeyBag({ phone }: Run): Promise<KeyBag | undefined> {
  return phone.agent.encryption.createKeyBag(`${phone.udid} ${uuidOfBackup(phone)}`)
}

/** Everything goes into Snapshot; files that changed under the reader are sent once more, once. */
async function stage(payload: Payload, { uuid, isFirst }: { uuid: string; isFirst: boolean }): Promise<void> {
  const { run, manifest, changedDomains } = payload
  const { contents } = run.phone
  await prepareFolders(run)
  await uploadStatus(run, { uuid, isFirst, snapshotState: 'uploading' })
  await sendPayload(payload, contents.entries())
  if (changedDomains.size > 0) await retry(payload, { uuid, isFirst })
  const { sent } = payload
  for (const fileId of sent.keys()) if (!manifest.has(fileId)) sent.delete(fileId)
}

async function retry(payload: Payload, { uuid, isFirst }: { uuid: string; isFirst: boolean }): Promise<void> {
  const { run, changedDomains } = payload
  const domains = new Set(changedDomains)
  const changed = () => run.phone.contents.entries().filter((entry) => domains.has(entry.domain))
  await ensureRoom(run, await measurePayload(changed(), payload))
  await prepareFolders(run)
  await uploadStatus(run, { uuid, isFirst, snapshotState: 'uploading' })
  await sendPayload(payload, changed())
}

/** The manifest is finished, the host's folder goes over to it, what is no longer on the phone is removed. */
async function commit(payload: Payload, { uuid, putAside }: Beginning): Promise<void> {
  const { run, earlier, manifest, sent, keyBag } = payload
  const { drive, root } = run
  const snapshot = `${root}/Snapshot`
  const gone = earlier === undefined ? [] : await missingFrom(manifest, earlier)
  await manifest.finish({ bytesMin: run.phone.faults.take('large-manifest')?.bytes ?? 0 })
  const keys = keyBag && { bag: keyBag, manifestKey: keyBag.makeKey(`Manifest.db ${uuidOfBackup(run.phone)}`) }
  await drive.uploadBytes(`${snapshot}/Manifest.plist`, await encodeManifestPlist(run.phone, keys), run)
  await uploadManifest(run, keys)
  await uploadStatus(run, { uuid, snapshotState: 'moving' })
  await moveUp(run, Array.from(sent.keys(), payloadPath))
  await moveUp(run, ['Manifest.plist'])
  await moveUp(run, ['Manifest.db'])
  await uploadStatus(run, { uuid, snapshotState: 'removing' })
  await removeBelow(run, gone.map(payloadPath))
  await drive.remove([snapshot], run)
  await drive.remove([`${root}/Manifest.mbdx`], run)
  await uploadStatus(run, { uuid, snapshotState: 'finished' })
  if (putAside !== undefined) await drive.remove([putAside], run)
}

/** Files that the phone had at the earlier backup and has no more. */
async function missingFrom(manifest: ManifestWriter, earlier: HostManifest): Promise<string[]> {
  const gone: string[] = []
  for (const prefix of PREFIXES) {
    gone.push(...earlier.fileIds(prefix).filter((fileId) => !manifest.has(fileId)))
    await setImmediate()
  }
  return gone
}

/** Room that must be left over after the backup, and what a purge is asked for beyond it. */
const SPARE_BYTES = 128 * 2 ** 20
const PURGE_BYTES = 2 * 2 ** 30

/** A host that does not tell its free space is not checked. Throws 105. */
async function ensureRoom(run: Run, bytes: number): Promise<void> {
  const { drive } = run
  const need = bytes + SPARE_BYTES
  const free = await freeRoom(run)
  if (free === undefined || free > need) return
  if (!(await drive.purge(need - free + PURGE_BYTES, run))) throw tooFull(need, free)
  const freeNow = await freeRoom(run)
  if (freeNow !== undefined && freeNow <= need) throw tooFull(need, freeNow)
}

async function freeRoom({ drive, phone, signal }: Run): Promise<number | undefined> {
  const told = await drive.freeBytes({ signal })
  return phone.faults.take('misjudge-room')?.freeBytes ?? told
}

function tooFull(need: number, free: number): BackupError {
  return new BackupError(MB.hostFull, `Insufficient free disk space on drive to back up (${free} < ${need})`)
}

async function prepareFolders(run: Run): Promise<void> {
  for (const folder of [run.root, `${run.root}/Snapshot`]) {
    await run.drive.makeFolder(folder, run)
    for (const prefix of PREFIXES) await run.drive.makeFolder(`${folder}/${prefix}`, run)
  }
}

async function finishEarlier(run: Run, { moves, removals, hasSnapshot }: Unfinished): Promise<void> {
  await moveUp(run, moves)
  await removeBelow(run, removals)
  if (hasSnapshot) await run.drive.remove([`${run.root}/Snapshot`], run)
}

/** Out of Snapshot, to the same name one level higher. */
async function moveUp(run: Run, names: readonly string[]): Promise<void> {
  const { root } = run
  for (const batch of batches(names)) {
    const pairs = new Map(batch.map((name) => [`${root}/Snapshot/${name}`, `${root}/${name}`]))
    await run.drive.move(pairs, { ...run, mayBeMissing: `${root}/Snapshot/Manifest.db` })
  }
}

async function removeBelow(run: Run, names: readonly string[]): Promise<void> {
  for (const batch of batches(names)) {
    await run.drive.remove(
      batch.map((name) => `${run.root}/${name}`),
      run,
    )
  }
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH_MAX) yield items.slice(start, start + BATCH_MAX)
}

async function uploadManifest(run: Run, keys: BackupKeys | undefined): Promise<void> {
  const local = join(run.tempFolder, 'Manifest.db')
  const { size } = await stat(local)
  const blocks = createReadStream(local, { highWaterMark: BLOCK_BYTES_MAX, signal: run.signal })
  const stored =
    keys === undefined
      ? { size, blocks }
      : { size: encryptedSize(size), blocks: encryptBlocks(keys.manifestKey, blocks) }
  await run.drive.uploadBlocks(`${run.root}/Snapshot/Manifest.db`, stored, run)
}

/** Until the move begins, a first backup is `empty` and full. */
async function uploadStatus(
  run: Run,
  { uuid, snapshotState, isFirst = false }: Pick<BackupStatus, 'uuid' | 'snapshotState'> & { isFirst?: boolean },
): Promise<void> {
  const status = encodeStatus({
    uuid,
    version: STATUS_VERSION,
    backupState: isFirst ? 'empty' : 'new',
    snapshotState,
    isFullBackup: isFirst,
    date: timeOfBackup(run.phone),
  })
  await run.drive.uploadBytes(`${run.root}/Status.plist`, status, run)
}

/** Reads back what a restore would need and looks for every file. Throws 205 when the host has not kept what it confirmed. */
async function verifyFinished(run: Run, uuid: string): Promise<void> {
  run.drive.progress = 100
  const status = parseStatus((await downloadSmall(run, `${run.root}/Status.plist`)) ?? new Uint8Array(0))
  if (status?.snapshotState !== 'finished' || status.uuid !== uuid) {
    throw new BackupError(MB.inconsistent, 'The host does not have the status that was uploaded')
  }
  const keys = await downloadManifestPlist(run, run.root)
  using uploaded = await downloadManifestDb(run, { folder: run.root, as: 'uploaded.db', keys })
  const [own, kept] = await Promise.all(
    ['Manifest.db', 'uploaded.db'].map((name) => sha256Of(join(run.tempFolder, name))),
  )
  if (own !== kept) throw new BackupError(MB.inconsistent, 'The host has another manifest than was uploaded')
  await verifyPresence(run, uploaded)
}

async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const block of createReadStream(path, { highWaterMark: BLOCK_BYTES_MAX })) digest.update(block)
  return digest.digest('hex')
}
