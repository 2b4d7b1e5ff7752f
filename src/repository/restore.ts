import { chmod, lutimes, mkdir, open, readdir, rm, symlink, utimes } from 'node:fs/promises'
import { forEachAtOnce } from '../base/at-once.ts'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { type AppError, isAppError } from '../base/errors.ts'
import { makeFolder } from '../base/folders.ts'
import { damaged, onStorage, targetNotEmpty } from './errors.ts'
import { nameBytes } from './format/go-json.ts'
import type { Id } from './format/id.ts'
import { discard } from './memory.ts'
import { BlobWindows } from './packs/blob-windows.ts'
import type { Repository } from './repository.ts'
import { decodeNode, splitTree, type TreeNode } from './trees/tree.ts'

/** How far a restore is. */
export interface RestoreProgress {
  readonly files: number
  readonly folders: number
  readonly bytes: number
}

/** What a restore wrote. */
export interface RestoreReport extends RestoreProgress {
  /** Nodes that are neither file, folder nor symbolic link: they were left out. */
  readonly skipped: readonly string[]
  /** Files and folders that could not be restored, with what is wrong with their data; nothing of such a file is left. */
  readonly damaged: readonly { readonly path: string; readonly error: AppError }[]
}

interface RestoreOptions {
  readonly signal: AbortSignal
  /** Called after every file and folder. */
  readonly onProgress?: (progress: RestoreProgress) => void
}

/** Packs that are read, and files that are written, at one time; each holds one blob in memory. */
const PACKS_AT_ONCE = 4
/** So many files, or files of so many blobs, are written together, at 50 MiB of memory: the more, the fewer requests it takes. */
const FILES_MAX = 50_000
const BLOBS_MAX = 100_000

/**
 * Writes a tree into a folder that is absent or empty: files, folders and symbolic links, with their times and permission bits;
 * owners and extended attributes are left out. Every blob is proven by its hash. Nothing outside the folder is touched: names are
 * checked, everything is newly made, and no link is followed. Abort or failure leaves what was written so far.
 * Throws `repo.target-not-empty`, `repo.damaged`, and what the disk says. Load the index before.
 */
export async function restoreTree(
  repository: Repository,
  tree: Id,
  targetFolder: string,
  { signal, onProgress = () => {} }: RestoreOptions,
): Promise<RestoreReport> {
  await makeEmptyFolder(targetFolder)
  return await new Restore(repository, signal, onProgress).run(tree, targetFolder)
}

/** Makes a folder with its parents; an empty one is taken as it is. Throws `repo.target-not-empty`, and what the disk says. */
export async function makeEmptyFolder(folder: string): Promise<void> {
  const existing = await onDisk(folder, async () => {
    await makeFolder(folder)
    return await readdir(folder)
  })
  if (existing.length > 0) throw targetNotEmpty(folder)
}

type FileNode = Extract<TreeNode, { kind: 'file' }>
type FolderNode = Extract<TreeNode, { kind: 'folder' }>
type SymlinkNode = Extract<TreeNode, { kind: 'symlink' }>

/** A file that is still to be written. Its path is bytes, since names may be no UTF-8. */
interface PendingFile extends Pick<FileNode, 'content' | 'mode' | 'modifiedMs'> {
  readonly path: Buffer
}

class Restore {
  readonly #repository: Repository
  readonly #signal: AbortSignal
  readonly #onProgress: (progress: RestoreProgress) => void
  readonly #skipped: string[] = []
  readonly #damaged: { readonly path: string; readonly error: AppError }[] = []
  #pending: PendingFile[] = []
  #pendingBlobs = 0
  #done: RestoreProgress = { files: 0, folders: 0, bytes: 0 }

  constructor(repository: Repository, signal: AbortSignal, onProgress: (progress: RestoreProgress) => void) {
    this.#repository = repository
    this.#signal = signal
    this.#onProgress = onProgress
  }

  async run(tree: Id, target: string): Promise<RestoreReport> {
    const folders: { readonly path: Buffer; readonly node: FolderNode }[] = []
    await this.#fill(utf8(target), tree, folders)
    await this.#writePending()
    // A folder's own time and mode come last: until then files are put into it. What lies deeper comes first.
    for (const { path, node } of folders.reverse()) await this.#finishFolder(path, node)
    return { ...this.#done, skipped: this.#skipped, damaged: this.#damaged }
  }

  /** Makes the folders and the links, and collects the files. */
  async #fill(folder: Uint8Array, tree: Id, folders: { path: Buffer; node: FolderNode }[]): Promise<void> {
    const what = `The tree ${tree}`
    const text = fromUtf8(await this.#repository.loadBlob('tree', tree, { signal: this.#signal }))
    const nodes = splitTree(text, what).map((stored) => decodeNode(stored, what))
    const places = nodes.map((node) => ({ node, path: Buffer.concat([folder, SLASH, plainName(node.name)]) }))
    for (const { node, path } of places) {
      this.#signal.throwIfAborted()
      if (node.kind === 'file') await this.#collect(path, node)
      else if (node.kind === 'symlink') await this.#symlink(path, node)
      else if (node.kind === 'other') this.#skipped.push(path.toString())
    }
    for (const { node, path } of places) {
      if (node.kind !== 'folder') continue
      await onDisk(path, () => mkdir(path, { mode: 0o700 }))
      folders.push({ path, node })
      await this.#unlessDamaged(path, () => this.#fill(path, node.subtree, folders))
    }
  }

  async #collect(path: Buffer, { content, mode, modifiedMs }: FileNode): Promise<void> {
    this.#pending.push({ path, content, mode, modifiedMs })
    this.#pendingBlobs += content.length
    if (this.#pending.length >= FILES_MAX || this.#pendingBlobs >= BLOBS_MAX) await this.#writePending()
  }

  /** Writes the collected files, pack by pack and each pack from its beginning, as far as files let themselves be sorted so. */
  async #writePending(): Promise<void> {
    const files = this.#pending
    this.#pending = []
    this.#pendingBlobs = 0
    const windows = new BlobWindows(
      this.#repository,
      files.values().flatMap(({ content }) => content),
    )
    await forEachAtOnce(PACKS_AT_ONCE, this.#byPack(files), async (inOnePack) => {
      for (const file of inOnePack) {
        this.#signal.throwIfAborted()
        await this.#unlessDamaged(file.path, () => this.#wholeFile(file, windows))
      }
    })
  }

  /** Files whose first blobs lie in one pack, in the order in which they lie there. */
  #byPack(files: readonly PendingFile[]): Iterable<readonly PendingFile[]> {
    const { index } = this.#repository
    const located = files.map((file) => {
      const [first] = file.content
      const { packId = '', offset = 0 } = (first && index.find('data', first)) ?? {}
      return { file, packId, offset }
    })
    const packs = Map.groupBy(located, ({ packId }) => packId)
    return packs.values().map((pack) => pack.sort((left, right) => left.offset - right.offset).map(({ file }) => file))
  }

  async #finishFolder(path: Buffer, node: FolderNode): Promise<void> {
    await onDisk(path, async () => {
      await chmod(path, node.mode)
      await utimes(path, ...timesOf(node))
    })
    this.#count({ files: 0, folders: 1, bytes: 0 })
  }

  /** What is damaged is written down, and the rest goes on: most of a backup is better than none. */
  async #unlessDamaged(path: Buffer, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isAppError(error, 'repo.damaged')) throw error
      this.#damaged.push({ path: path.toString(), error })
    }
  }

  /** A file that breaks off is worse than none. */
  async #wholeFile(file: PendingFile, windows: BlobWindows): Promise<void> {
    try {
      await this.#file(file, windows)
    } catch (error) {
      await rm(file.path, { force: true })
      throw error
    }
  }

  async #file({ path, content, mode, modifiedMs }: PendingFile, windows: BlobWindows): Promise<void> {
    let bytes = 0
    await using file = await onDisk(path, () => open(path, 'wx', 0o600))
    for (const id of content) {
      const blob = await windows.load(id, { signal: this.#signal })
      await onDisk(path, () => file.writeFile(blob))
      bytes += blob.length
      discard(blob)
    }
    await onDisk(path, async () => {
      await file.chmod(mode)
      await file.utimes(...timesOf({ modifiedMs }))
    })
    this.#count({ files: 1, folders: 0, bytes })
  }

  async #symlink(path: Buffer, node: SymlinkNode): Promise<void> {
    await onDisk(path, async () => {
      await symlink(Buffer.from(nameBytes(node.linkTarget)), path)
      await lutimes(path, ...timesOf(node))
    })
  }

  #count({ files, folders, bytes }: RestoreProgress): void {
    const done = this.#done
    this.#done = { files: done.files + files, folders: done.folders + folders, bytes: done.bytes + bytes }
    this.#onProgress(this.#done)
  }
}

/** Node takes a number below zero for now: what is older than 1970 has to be a date. */
function timesOf({ modifiedMs }: { readonly modifiedMs: number }): [accessed: Date | number, modified: Date | number] {
  const time = modifiedMs < 0 ? new Date(modifiedMs) : modifiedMs / 1000
  return [time, time]
}

const SLASH = utf8('/')

/** The bytes of a name that stays in its folder. */
function plainName(name: string): Uint8Array {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw damaged('A tree', `it has the hostile name ${JSON.stringify(name)}; nothing is written there`)
  }
  return nameBytes(name)
}

function onDisk<Result>(path: string | Uint8Array, work: () => Promise<Result>): Promise<Result> {
  return onStorage({ doing: 'write', what: typeof path === 'string' ? path : fromUtf8(path) }, work)
}
