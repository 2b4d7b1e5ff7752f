import { chmod, lutimes, mkdir, open, readdir, rm, symlink, utimes } from 'node:fs/promises'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { type AppError, isAppError } from '../base/errors.ts'
import { makeFolder } from '../base/folders.ts'
import { damaged, onStorage, targetNotEmpty } from './errors.ts'
import { nameBytes } from './go-json.ts'
import type { Id } from './id.ts'
import type { Repository } from './repository.ts'
import { decodeNode, splitTree, type TreeNode } from './tree.ts'

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

/** Files that are written at one time; each holds one blob in memory. */
const FILES_AT_ONCE = 4

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
  await makeTarget(targetFolder)
  return await new Restore(repository, signal, onProgress).run(tree, targetFolder)
}

async function makeTarget(folder: string): Promise<void> {
  const existing = await onDisk(folder, async () => {
    await makeFolder(folder)
    return await readdir(folder)
  })
  if (existing.length > 0) throw targetNotEmpty(folder)
}

type FileNode = Extract<TreeNode, { kind: 'file' }>
type FolderNode = Extract<TreeNode, { kind: 'folder' }>
type SymlinkNode = Extract<TreeNode, { kind: 'symlink' }>

class Restore {
  readonly #repository: Repository
  readonly #signal: AbortSignal
  readonly #onProgress: (progress: RestoreProgress) => void
  readonly #skipped: string[] = []
  readonly #damaged: { readonly path: string; readonly error: AppError }[] = []
  #done: RestoreProgress = { files: 0, folders: 0, bytes: 0 }

  constructor(repository: Repository, signal: AbortSignal, onProgress: (progress: RestoreProgress) => void) {
    this.#repository = repository
    this.#signal = signal
    this.#onProgress = onProgress
  }

  async run(tree: Id, target: string): Promise<RestoreReport> {
    await this.#fill(utf8(target), tree)
    return { ...this.#done, skipped: this.#skipped, damaged: this.#damaged }
  }

  /** Files a few at a time, then the folders one by one. Paths are bytes, since names may be no UTF-8. */
  async #fill(folder: Uint8Array, tree: Id): Promise<void> {
    const what = `The tree ${tree}`
    const text = fromUtf8(await this.#repository.loadBlob('tree', tree, { signal: this.#signal }))
    const nodes = splitTree(text, what).map((stored) => decodeNode(stored, what))
    const place = (node: TreeNode) => Buffer.concat([folder, SLASH, plainName(node.name)])
    await forEachAtOnce(FILES_AT_ONCE, nodes, async (node) => {
      if (node.kind !== 'folder') await this.#leaf(place(node), node)
    })
    for (const node of nodes) if (node.kind === 'folder') await this.#folder(place(node), node)
  }

  async #leaf(path: Buffer, node: Exclude<TreeNode, FolderNode>): Promise<void> {
    this.#signal.throwIfAborted()
    if (node.kind === 'file') await this.#unlessDamaged(path, () => this.#wholeFile(path, node))
    else if (node.kind === 'symlink') await this.#symlink(path, node)
    else this.#skipped.push(path.toString())
  }

  async #folder(path: Buffer, node: FolderNode): Promise<void> {
    await onDisk(path, () => mkdir(path, { mode: 0o700 }))
    await this.#unlessDamaged(path, () => this.#fill(path, node.subtree))
    await onDisk(path, async () => {
      await chmod(path, node.mode)
      await utimes(path, node.modifiedMs / 1000, node.modifiedMs / 1000)
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
  async #wholeFile(path: Buffer, node: FileNode): Promise<void> {
    try {
      await this.#file(path, node)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  async #file(path: Buffer, node: FileNode): Promise<void> {
    let bytes = 0
    await using file = await onDisk(path, () => open(path, 'wx', 0o600))
    for (const id of node.content) {
      const blob = await this.#repository.loadBlob('data', id, { signal: this.#signal })
      await onDisk(path, () => file.writeFile(blob))
      bytes += blob.length
    }
    await onDisk(path, async () => {
      await file.chmod(node.mode)
      await file.utimes(node.modifiedMs / 1000, node.modifiedMs / 1000)
    })
    this.#count({ files: 1, folders: 0, bytes })
  }

  async #symlink(path: Buffer, node: SymlinkNode): Promise<void> {
    await onDisk(path, async () => {
      await symlink(Buffer.from(nameBytes(node.linkTarget)), path)
      await lutimes(path, node.modifiedMs / 1000, node.modifiedMs / 1000)
    })
  }

  #count({ files, folders, bytes }: RestoreProgress): void {
    const done = this.#done
    this.#done = { files: done.files + files, folders: done.folders + folders, bytes: done.bytes + bytes }
    this.#onProgress(this.#done)
  }
}

const SLASH = utf8('/')

/** The bytes of a name that stays in its folder. */
function plainName(name: string): Uint8Array {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw damaged('A tree', `it has the hostile name ${JSON.stringify(name)}; nothing is written there`)
  }
  return nameBytes(name)
}

/** Waits for all work that began, so that nothing goes on behind the caller's back; after a failure nothing more begins. */
async function forEachAtOnce<Item>(
  limit: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  const failures: unknown[] = []
  const worker = async () => {
    for (const item of queue) {
      if (failures.length > 0) return
      await work(item).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (failures.length > 0) throw failures[0]
}

function onDisk<Result>(path: string | Uint8Array, work: () => Promise<Result>): Promise<Result> {
  return onStorage({ doing: 'write', what: typeof path === 'string' ? path : fromUtf8(path) }, work)
}
