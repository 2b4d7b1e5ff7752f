import { lstatSync, type Stats } from 'node:fs'
import { access, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { decodeFileRecord, type FileRecord } from '../../backup-set/index.ts'
import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { withPauses } from '../with-pauses.ts'
import { MODE_TYPE, PLAIN_FOLDER, type Traits } from './entry.ts'
import { contentsDamaged, contentsEncrypted, contentsMissing, contentsUnsupported } from './errors.ts'
import { readFolderIdentity } from './folder-identity.ts'
import type { NewEntry } from './node.ts'
import { PhoneContents } from './phone-contents.ts'
import { diskFile } from './source.ts'

export interface FolderOptions extends WaitOptions {
  /** A backup, or a folder that holds exactly one (named after its phone). */
  readonly folder: string
  /** For the times of later edits. */
  readonly clock: Clock
}

/**
 * A phone with what a real, unencrypted backup of iOS 10 or newer holds. The folder is only read, a file at a time when it is
 * asked for; nothing is written into it or beside it. What is odd is left out and counted in `notes`; where the index and a
 * file disagree about the size, the file is right.
 * Throws `virtual-phone.contents-missing`, `-encrypted`, `-unsupported`, `-damaged`.
 */
export async function openFolderContents({ folder, clock, signal }: FolderOptions): Promise<PhoneContents> {
  const backup = await findBackup(folder)
  await checkMagic(backup)
  const { identity, apps, isEncrypted, notes } = await readFolderIdentity(backup)
  if (isEncrypted) throw contentsEncrypted(backup)
  const contents = new PhoneContents({ identity, apps, clock })
  const oddities = new Map<Oddity, number>()
  try {
    for await (const row of withPauses(rowsOf(join(backup, 'Manifest.db')))) {
      signal.throwIfAborted()
      const oddity = addRow(contents, row, backup)
      if (oddity !== undefined) oddities.set(oddity, (oddities.get(oddity) ?? 0) + 1)
    }
  } catch (error) {
    throw isSystemError(error, 'ERR_SQLITE_ERROR') ? contentsDamaged(backup, error) : error
  }
  contents.notes = [...notes, ...Array.from(oddities, ([oddity, count]) => `${count} ${SENTENCES[oddity]}`)]
  return contents
}

async function findBackup(folder: string): Promise<string> {
  const candidates = [folder]
  for (const entry of await entriesOf(folder)) if (entry.isDirectory()) candidates.push(join(folder, entry.name))
  const withDb = await keep(candidates, 'Manifest.db')
  if (withDb[0] === folder) return folder
  if (withDb[0] !== undefined && withDb.length === 1) return withDb[0]
  if ((await keep(candidates, 'Manifest.mbdb')).length > 0) throw contentsUnsupported(folder)
  throw contentsMissing(folder)
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    throw isSystemError(error) ? contentsMissing(folder, error) : error
  }
}

/** The folders that hold a file of that name. */
async function keep(folders: readonly string[], name: string): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders) {
    const isThere = await access(join(folder, name)).then(
      () => true,
      () => false,
    )
    if (isThere) found.push(folder)
  }
  return found
}

const MAGIC = 'SQLite format 3\0'

/** An encrypted Manifest.db is noise from its first byte. */
async function checkMagic(backup: string): Promise<void> {
  await using file = await open(join(backup, 'Manifest.db'), 'r')
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAGIC.length), position: 0 })
  if (bytesRead === 0) throw contentsDamaged(backup, undefined)
  if (buffer.toString('latin1') !== MAGIC) throw contentsEncrypted(backup)
}

type Row = Record<string, SQLOutputValue>

/** Immutable: else SQLite would make a `-wal` and a `-shm`, as phones leave the database in WAL mode. */
function* rowsOf(path: string): Generator<Row> {
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  using database = new DatabaseSync(url, { readOnly: true })
  yield* database.prepare('SELECT fileID, domain, relativePath, flags, file FROM Files').iterate()
}

type Oddity = 'hostile' | 'unreadable' | 'unusual' | 'missing' | 'resized'

const SENTENCES: Readonly<Record<Oddity, string>> = {
  hostile: 'rows of Manifest.db have a file ID or name that no phone writes; left out',
  unreadable: 'rows of Manifest.db have a record that cannot be read; left out',
  unusual: 'rows of Manifest.db are neither file, folder nor link; left out',
  missing: 'files of Manifest.db have no data in the folder; left out',
  resized: 'files have another size than Manifest.db says; the file counts',
}

const KINDS = new Map<SQLOutputValue | undefined, Traits['kind']>([
  [1, 'file'],
  [2, 'folder'],
  [4, 'link'],
])
/** Longer than any path on a phone. */
const PATH_LENGTH_MAX = 4_096

/** Adds what the row tells of; the answer is what is odd about it. */
function addRow(contents: PhoneContents, row: Row, backup: string): Oddity | undefined {
  const { fileID, domain, relativePath, file } = row
  const kind = KINDS.get(row.flags)
  if (typeof fileID !== 'string' || !/^[0-9a-f]{40}$/.test(fileID)) return 'hostile'
  if (typeof domain !== 'string' || typeof relativePath !== 'string') return 'hostile'
  if (domain === '' || relativePath.length > PATH_LENGTH_MAX) return 'hostile'
  if (kind === undefined || (kind !== 'folder' && relativePath === '')) return 'unusual'
  const record = recordOf(file)
  if (record === undefined) return 'unreadable'
  const common = { domain, relativePath, traits: traitsOf(kind, record), ...timesOf(record) }
  if (kind === 'file') return addFile(contents, common, { path: join(backup, fileID.slice(0, 2), fileID), record })
  contents.put(kind === 'folder' ? { ...common, folder: true } : { ...common, target: record.target ?? '' })
  return undefined
}

type Common = Pick<NewEntry, 'domain' | 'relativePath' | 'traits' | 'modifiedS' | 'changedS' | 'bornS' | 'inode'>

function addFile(
  contents: PhoneContents,
  common: Common,
  { path, record }: { path: string; record: FileRecord },
): Oddity | undefined {
  const stat = statOf(path)
  if (!stat?.isFile()) return 'missing'
  contents.put({ ...common, source: diskFile(path), seed: 0, size: stat.size })
  return stat.size === record.sizeBytes ? undefined : 'resized'
}

/** Undefined when there is nothing, or a file where its folder should be. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isSystemError(error, 'ENOTDIR')) return undefined
    throw error
  }
}

function recordOf(file: SQLOutputValue | undefined): FileRecord | undefined {
  if (!(file instanceof Uint8Array)) return undefined
  try {
    return decodeFileRecord(file)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

function timesOf({ modifiedS = 0, changedS = modifiedS, bornS = modifiedS, inode }: FileRecord) {
  return { modifiedS, changedS, bornS, ...(inode !== undefined && { inode }) }
}

function traitsOf(kind: Traits['kind'], record: FileRecord): Traits {
  const { userId = PLAIN_FOLDER.userId, groupId = PLAIN_FOLDER.groupId, protectionClass = 0 } = record
  return { kind, mode: record.mode || MODE_TYPE[kind], userId, groupId, protectionClass, flags: 0 }
}
