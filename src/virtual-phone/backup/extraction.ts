import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { WaitOptions } from '../../base/channel.ts'
import type { Place } from '../contents/index.ts'
import { BackupError, hostReadError, MB } from './backup-error.ts'
import { type BackupPhone, roomOf } from './backup-phone.ts'
import { HostLeft } from './device-link.ts'
import { fileIdOf, payloadPath } from './file-id.ts'
import { encryptionKeyOf, type HostManifest } from './host-manifest.ts'
import { type Source, withManifest } from './inspection.ts'
import { downloadFile, type Run } from './run.ts'

/**
 * Extract: one file of the backup, decrypted, goes into the host's folder itself, under the last part of its path. Throws
 * `BackupError`: 205 and 207 for the manifest, 4 for a file that is not in the backup.
 */
export function extractFile(phone: BackupPhone, source: Source, place: Place, options: WaitOptions): Promise<void> {
  return withManifest(phone, source, options, async (run, manifest) => {
    const local = join(run.tempFolder, 'extracted')
    await downloadPayload(run, manifest, { place, local })
    const { size } = await stat(local)
    const blocks = createReadStream(local, { signal: run.signal })
    const name = place.relativePath.slice(place.relativePath.lastIndexOf('/') + 1)
    await run.drive.uploadBlocks(name, { size, blocks }, run)
  })
}

async function downloadPayload(
  run: Run,
  manifest: HostManifest,
  { place, local }: { place: Place; local: string },
): Promise<void> {
  const fileId = fileIdOf(place)
  const record = manifest.find(fileId)?.record
  if (record === undefined) throw new BackupError(MB.notFound, 'File not found', { path: place.relativePath })
  const key = manifest.keys && fileKeyOf(manifest, record)
  try {
    const room = { left: roomOf(run.phone) }
    await downloadFile(run, `${run.root}/${payloadPath(fileId)}`, { path: local, key, room })
  } catch (error) {
    throw error instanceof BackupError ? hostReadError('Error reading file', error) : error
  }
}

function fileKeyOf({ keys }: HostManifest, record: Uint8Array): Uint8Array {
  const wrapped = encryptionKeyOf(record)
  const key = wrapped && keys?.bag.unwrap(wrapped)
  if (key === undefined) throw new BackupError(MB.inconsistent, 'A file has no key that can be unwrapped')
  return key
}

/** Unback: since iOS 10 a phone makes the folders, reads the manifest, and hangs up. Source: docs/protocol/mobilebackup2.md#other-requests */
export async function unback(phone: BackupPhone, source: Source, options: WaitOptions): Promise<never> {
  for (const folder of ['_unback_', `_unback_/${source.source}`]) await source.drive.makeFolder(folder, options)
  await withManifest(phone, source, options, async () => undefined)
  throw new HostLeft('The phone hangs up')
}
