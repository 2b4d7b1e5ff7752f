import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WaitOptions } from '../../base/channel.ts'
import type { Secret } from '../../base/secret.ts'
import { numberOf } from '../../plist/index.ts'
import { BackupError, MB } from './backup-error.ts'
import type { BackupPhone } from './backup-phone.ts'
import type { HostDrive } from './host-drive.ts'
import { type HostManifest, mbFileOf } from './host-manifest.ts'
import { downloadManifestDb, downloadManifestPlist, downloadSmall, type Run } from './run.ts'
import { parseStatus } from './status-plist.ts'

/** Which backup is looked at. */
export interface Source {
  readonly drive: HostDrive
  /** Whose folder. */
  readonly source: string
  /** The request's own: the phone's is not taken for it. Info and List have none. */
  readonly password: Secret | undefined
}

/** The text that answers Info: state, then count, bytes and name of every domain, and a total. */
export function describeBackup(phone: BackupPhone, source: Source, options: WaitOptions): Promise<string> {
  return withManifest(phone, source, options, async (run, manifest) => {
    const status = parseStatus((await downloadSmall(run, `${run.root}/Status.plist`)) ?? new Uint8Array(0))
    if (status === undefined) throw new BackupError(MB.inconsistent, 'Error reading status')
    const domains = new Map<string, { files: number; bytes: number }>()
    for (const { domain, record } of manifest.rows()) {
      const { files, bytes } = domains.get(domain) ?? { files: 0, bytes: 0 }
      domains.set(domain, { files: files + 1, bytes: bytes + (numberOf(mbFileOf(record)?.Size) ?? 0) })
    }
    const lines = Array.from(domains, ([domain, { files, bytes }]) => `${files}\t${bytes}\t${domain}`)
    const total = [...domains.values()].reduce((sum, { files }) => sum + files, 0)
    return `Status: ${status.snapshotState}, version ${status.version}\nManifest: unencrypted\n${lines.join('\n')}\n${total}\ttotal\n`
  })
}

/** The answer to List has at most that many lines. */
const LINES_MAX = 100_000

/** The text that answers List: a header and one line a file, cut off after `LINES_MAX`. */
export function listBackup(phone: BackupPhone, source: Source, options: WaitOptions): Promise<string> {
  return withManifest(phone, source, options, async (_run, manifest) => {
    const lines = manifest
      .rows()
      .take(LINES_MAX)
      .map(({ fileId, domain, relativePath, record }) => {
        const file = mbFileOf(record)
        const number = (key: string) => numberOf(file?.[key]) ?? ''
        const numbers = [
          'Mode',
          'InodeNumber',
          'UserID',
          'GroupID',
          'LastModified',
          'LastStatusChange',
          'Birth',
          'Size',
        ]
        return [fileId, '', ...numbers.map(number), number('ProtectionClass'), domain, relativePath, '', ''].join(',')
      })
    return [HEADER, ...lines, ''].join('\n')
  })
}

const HEADER =
  'ID,Digest,Mode,Inode,UID,GID,Last modified,Last status change,Birth,Size,Class,Domain,Relative path,Target,Extended attributes'

/** Reads the manifest, and closes it after `use`. Throws `BackupError` 205 for a missing or broken one, 207 for a wrong password. */
export async function withManifest<Value>(
  phone: BackupPhone,
  { drive, source, password }: Source,
  { signal }: WaitOptions,
  use: (run: Run, manifest: HostManifest) => Promise<Value>,
): Promise<Value> {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'virtual-phone-'))
  const run: Run = { phone, drive, root: source, password, tempFolder: temp.path, signal }
  const keys = await downloadManifestPlist(run, source)
  using manifest = await downloadManifestDb(run, { folder: source, as: 'Manifest.db', keys })
  return await use(run, manifest)
}
