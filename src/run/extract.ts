import { type FileHandle, lutimes, open, realpath, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { BackupEntryKind, BackupSelection, BackupSet, BackupSetEntry } from '../backup-set/index.ts'
import { forEachAtOnce } from '../base/at-once.ts'
import { isAppError, isSystemError } from '../base/errors.ts'
import { makeFolder } from '../base/folders.ts'
import { makeEmptyFolder, onStorage } from '../repository/index.ts'
import { nameBeside, placeOf, staysInside } from './extract-names.ts'

/** How far an extraction is. */
export interface ExtractProgress {
  readonly files: number
  readonly folders: number
  readonly links: number
  readonly bytes: number
}

/** What an extraction wrote. */
export interface ExtractReport extends ExtractProgress {
  /** Files that are longer or shorter than the phone listed them: normal for databases. */
  readonly otherSizes: number
}

/** Something that is not in the target as it was on the phone. */
export interface ExtractFinding {
  /**
   * `not-written`: there is nothing of it. `altered`: it was written, but may be damaged. `renamed`: it was written under
   * another name. `link-left-out`: a link that would lead out of its domain, as most do.
   */
  readonly kind: 'not-written' | 'altered' | 'renamed' | 'link-left-out'
  /** Domain and path, as the phone has them: show it with care. */
  readonly name: string
  readonly saw: string
}

export interface ExtractOptions extends BackupSelection {
  readonly signal: AbortSignal
  /** Called after every file, folder and link. */
  readonly onProgress?: (progress: ExtractProgress) => void
  readonly onFinding: (finding: ExtractFinding) => void
}

/**
 * Writes a backup, or a selection, as the phone had it, to `<target>/<domain>/<path>`: files (mode 0600), folders (0700) and links
 * that stay in their domain, with their times. The target must be absent or empty. Nothing outside of it is touched: names are
 * checked, everything is newly made, and links come last. What is damaged or cannot be named here goes to `onFinding`, and the
 * rest goes on. Abort or failure leaves what was written so far. Throws `repo.target-not-empty`, `repo.no-space`, and whatever
 * else the disk says as `onStorage` words it.
 */
export async function extractFiles(set: BackupSet, target: string, options: ExtractOptions): Promise<ExtractReport> {
  await makeEmptyFolder(target)
  return await onStorage({ doing: 'write', what: target }, async () =>
    new Extraction(set, await realpath(target), options).run(),
  )
}

/** Files that are written at one time; each holds some pieces in memory. */
const FILES_AT_ONCE = 4

const FILE_MODE = 0o600

interface EntriesWanted {
  readonly kind?: BackupEntryKind
  readonly onDamage?: (error: Error) => void
}

class Extraction {
  readonly #set: BackupSet
  readonly #target: string
  readonly #options: ExtractOptions
  #making: Promise<unknown> = Promise.resolve()
  #done: ExtractReport = { files: 0, folders: 0, links: 0, bytes: 0, otherSizes: 0 }

  constructor(set: BackupSet, target: string, options: ExtractOptions) {
    this.#set = set
    this.#target = target
    this.#options = options
  }

  /** Folders before what is in them, links when nothing is written below them any more, times of folders at the very end. */
  async run(): Promise<ExtractReport> {
    await this.#makeFolders()
    await forEachAtOnce(FILES_AT_ONCE, this.#entries({ kind: 'file' }), (entry) =>
      this.#at(entry, (path) => this.#file(path, entry)),
    )
    for (const entry of this.#entries({ kind: 'link' })) await this.#at(entry, (path) => this.#link(path, entry))
    for (const entry of this.#entries({ kind: 'folder' })) await this.#dateFolder(entry)
    return this.#done
  }

  /** The only time that all entries are looked at: what is wrong with the index is told here. */
  async #makeFolders(): Promise<void> {
    const onDamage = ({ message }: Error) =>
      this.#options.onFinding({ kind: 'not-written', name: '(unknown)', saw: message })
    for (const entry of this.#entries({ onDamage })) {
      if (entry.kind === 'folder') await this.#at(entry, (path) => this.#folder(path))
      if (entry.kind === 'other') this.#tell('not-written', entry, 'it is neither file, folder nor link')
    }
  }

  /** What is selected, of one kind or all, as far as the index can be read. */
  *#entries({ kind, onDamage = () => {} }: EntriesWanted): Generator<BackupSetEntry> {
    const { domain, path, signal } = this.#options
    try {
      for (const entry of this.#set.entries({ domain, path, kind, onBadRow: onDamage })) {
        signal.throwIfAborted()
        yield entry
      }
    } catch (error) {
      if (!isAppError(error, 'backup-set.damaged')) throw error
      onDamage(error)
    }
  }

  /** Does the work at the entry's place, if it can have one here. What is wrong with this entry only is told and gone on from. */
  async #at(entry: BackupSetEntry, work: (path: string) => Promise<void>): Promise<void> {
    const names = placeOf(entry)
    if (names === undefined) return this.#tell('not-written', entry, 'its name would lead out of its folder')
    if (names.join('/') !== nameOf(entry)) this.#tell('renamed', entry, `too long, so it is ${names.join('/')} here`)
    try {
      await work(join(this.#target, ...names))
    } catch (error) {
      if (!isOfOneEntry(error)) throw error
      this.#tell('not-written', entry, error.message)
    }
  }

  /** A file that breaks off is worse than none. */
  async #file(wanted: string, entry: BackupSetEntry): Promise<void> {
    const { path, file } = await this.#openFree(wanted, entry)
    try {
      await this.#fill(file, entry)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  }

  /** A new file, under another name where one is in its place already. */
  async #openFree(
    wanted: string,
    entry: BackupSetEntry,
  ): Promise<{ readonly path: string; readonly file: FileHandle }> {
    try {
      return { path: wanted, file: await this.#openNew(wanted) }
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw error
    }
    const name = nameBeside(basename(wanted), entry.fileId)
    const path = join(dirname(wanted), name)
    const file = await this.#openNew(path)
    this.#tell('renamed', entry, `its place is taken here, so it is ${name}`)
    return { path, file }
  }

  async #openNew(path: string): Promise<FileHandle> {
    try {
      return await open(path, 'wx', FILE_MODE)
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error
    }
    await this.#makeFolder(dirname(path))
    return await open(path, 'wx', FILE_MODE)
  }

  async #fill(file: FileHandle, entry: BackupSetEntry): Promise<void> {
    let bytes = 0
    try {
      for await (const piece of this.#set.read(entry, this.#options)) {
        await file.writeFile(piece)
        bytes += piece.length
      }
    } catch (error) {
      if (!isAppError(error, 'backup-set.altered')) throw error
      this.#tell('altered', entry, error.message)
    }
    const modified = dateOf(entry)
    if (modified) await file.utimes(modified, modified)
    this.#count({ files: 1, bytes, otherSizes: bytes === entry.record.sizeBytes ? 0 : 1 })
  }

  async #folder(path: string): Promise<void> {
    await this.#makeFolder(path)
    this.#count({ folders: 1 })
  }

  /** One at a time: two that make the same parents get in each other's way. */
  async #makeFolder(path: string): Promise<void> {
    const made = this.#making.then(() => makeFolder(path))
    this.#making = made.catch(() => undefined)
    await made
  }

  /** How high a link climbs is counted from where it really is, so none is made below another. */
  async #link(path: string, entry: BackupSetEntry): Promise<void> {
    const { target = '' } = entry.record
    const folder = dirname(path)
    const isHarmless = staysInside(target, { linkDepth: depthOf(entry) })
    if (isHarmless) await this.#makeFolder(folder)
    if (!isHarmless || (await realpath(folder)) !== folder) {
      return this.#tell('link-left-out', entry, `it leads to ${target}`)
    }
    await symlink(target, path)
    const modified = dateOf(entry)
    if (modified) await lutimes(path, modified, modified)
    this.#count({ links: 1 })
  }

  /** One that could not be made was told before. */
  async #dateFolder(entry: BackupSetEntry): Promise<void> {
    const modified = dateOf(entry)
    const names = placeOf(entry)
    if (names === undefined || modified === undefined) return
    try {
      await lutimes(join(this.#target, ...names), modified, modified)
    } catch (error) {
      if (!isSystemError(error, 'ENOENT') && !isOfOneEntry(error)) throw error
    }
  }

  #tell(kind: ExtractFinding['kind'], entry: BackupSetEntry, saw: string): void {
    this.#options.onFinding({ kind, name: nameOf(entry), saw })
  }

  #count({ files = 0, folders = 0, links = 0, bytes = 0, otherSizes = 0 }: Partial<ExtractReport>): void {
    const done = this.#done
    this.#done = {
      files: done.files + files,
      folders: done.folders + folders,
      links: done.links + links,
      bytes: done.bytes + bytes,
      otherSizes: done.otherSizes + otherSizes,
    }
    this.#options.onProgress?.(this.#done)
  }
}

/** What file systems say when they cannot hold a name, have something else in its place, or not room for a file of its size. */
const UNHOLDABLE = new Set(['EEXIST', 'EFBIG', 'EILSEQ', 'EINVAL', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR'])

/** Whether only one entry is affected: its data, its key or its name. */
function isOfOneEntry(error: unknown): error is Error {
  if (isAppError(error)) return error.code.startsWith('backup-set.') || error.code === 'repo.damaged'
  return isSystemError(error) && UNHOLDABLE.has(error.code ?? '')
}

/** Undefined for times beyond the years 1 to 9999, which are made up; some file systems refuse them. */
function dateOf({ record: { modifiedS } }: BackupSetEntry): Date | undefined {
  const isReal = modifiedS !== undefined && modifiedS > -62_135_596_800 && modifiedS < 253_402_300_800
  return isReal ? new Date(modifiedS * 1000) : undefined
}

function nameOf({ domain, relativePath }: BackupSetEntry): string {
  return relativePath === '' ? domain : `${domain}/${relativePath}`
}

/** How many names below its domain an entry is. */
function depthOf({ relativePath }: BackupSetEntry): number {
  return relativePath === '' ? 0 : relativePath.split('/').length
}
