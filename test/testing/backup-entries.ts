import { type BackupSet, folderFiles, openBackupSet } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import { Secret } from '../../src/base/secret.ts'
import type { PhoneContents } from '../../src/virtual-phone/index.ts'
import { hashOf } from './backup-folder.ts'

/** All that a backup keeps of one file, folder or link; `sha256` is of its bytes as the phone has them. */
export interface KeptEntry {
  readonly kind: string
  readonly mode: number
  readonly userId: number | undefined
  readonly groupId: number | undefined
  readonly inode: number | undefined
  readonly protectionClass: number | undefined
  readonly modifiedS: number | undefined
  readonly changedS: number | undefined
  readonly bornS: number | undefined
  readonly size: number
  readonly target: string | undefined
  readonly sha256: string | undefined
}

/** By domain and path. */
export type KeptEntries = ReadonlyMap<string, KeptEntry>

/** What a backup of the phone must hold. */
export async function entriesOfPhone(contents: PhoneContents): Promise<KeptEntries> {
  const entries = new Map<string, KeptEntry>()
  for (const { domain, relativePath, flags: _, ...rest } of contents.entries()) {
    const place = { domain, relativePath }
    const sha256 = rest.kind === 'file' ? await hashOf(contents.read(place, { signal: NEVER })) : undefined
    entries.set(`${domain}/${relativePath}`, { ...rest, target: rest.target, sha256 })
  }
  return entries
}

/** What a backup does hold, decrypted by the room that reads backups. */
export async function entriesOfBackup(set: BackupSet): Promise<KeptEntries> {
  const entries = new Map<string, KeptEntry>()
  for (const entry of set.entries()) {
    const { kind, domain, relativePath, record } = entry
    const {
      mode,
      userId,
      groupId,
      inode,
      protectionClass,
      modifiedS,
      changedS,
      bornS,
      sizeBytes: size,
      target,
    } = record
    const sha256 = kind === 'file' ? await hashOf(set.read(entry, { signal: NEVER })) : undefined
    const times = { modifiedS, changedS, bornS }
    entries.set(`${domain}/${relativePath}`, {
      ...{ kind, mode, userId, groupId, inode, protectionClass, ...times, size, target, sha256 },
    })
  }
  return entries
}

/** The same of a backup folder of this machine. */
export async function entriesOfFolder(folder: string, password?: string): Promise<KeptEntries> {
  await using set = await openBackupSet(folderFiles(folder), {
    password: password === undefined ? undefined : new Secret(password),
    tempFolder: folder,
    signal: NEVER,
  })
  return await entriesOfBackup(set)
}
