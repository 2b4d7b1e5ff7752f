import { createHash } from 'node:crypto'
import { type BackupSet, type BackupSetEntry, folderFiles, openBackupSet } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import type { Secret } from '../../src/base/secret.ts'
import type { EntryDigest } from '../../src/virtual-phone/index.ts'

/** What a backup folder holds, decrypted, as `digestsOf` tells it of a phone: equal lists mean that nothing was lost. */
export async function digestsOfFolder(folder: string, password?: Secret): Promise<readonly EntryDigest[]> {
  await using set = await openBackupSet(folderFiles(folder), { password, tempFolder: folder, signal: NEVER })
  return await digestsOfBackup(set)
}

/** The same of a backup that is open. */
export async function digestsOfBackup(set: BackupSet): Promise<readonly EntryDigest[]> {
  const digests: EntryDigest[] = []
  for (const entry of set.entries()) digests.push(await digestOf(set, entry))
  return digests.sort(
    (one, other) => compare(one.domain, other.domain) || compare(one.relativePath, other.relativePath),
  )
}
