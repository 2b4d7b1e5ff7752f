import type { Backend } from '../backend/backend.ts'
import { goTime } from '../format/go-json.ts'
import type { Id } from '../format/id.ts'
import { createRepository, openRepository, type Repository } from '../repository.ts'
import { type Snapshot, saveSnapshot } from '../snapshots/snapshot.ts'
import { type CowTree, openTree } from '../trees/cow-tree.ts'
import type { RepositoryWriter } from '../write/writer.ts'
import { openWriter } from '../write/writer.ts'
import { createMemoryBackend, type MemoryBackend } from './memory-backend.ts'
import { CHEAP_KDF, clock, PASSWORD, signal } from './restic.ts'

/** A repository, and what it is stored in. */
export interface MemoryRepository {
  readonly backend: MemoryBackend
  readonly repository: Repository
}

/** An empty repository in memory. */
export async function memoryRepository(): Promise<MemoryRepository> {
  const backend = createMemoryBackend()
  return { backend, repository: await createRepository(backend, { password: PASSWORD, clock, signal, kdf: CHEAP_KDF }) }
}

/** The repository on a backend, opened anew, with its index loaded. */
export async function openedAgain(backend: Backend): Promise<Repository> {
  const repository = await openRepository(backend, { password: PASSWORD, signal })
  await repository.loadIndex({ signal })
  return repository
}

/** Stores bytes as a file of a tree. */
export async function putBytes(
  writer: RepositoryWriter,
  tree: CowTree,
  path: readonly string[],
  bytes: Uint8Array,
): Promise<void> {
  const file = writer.openFile()
  await file.write(bytes)
  await tree.putFile(path, { ...(await file.finish()), modifiedMs: 1_700_000_000_123 }, { signal })
}

/** One whole backup: the files go over the parent's tree, then a snapshot follows. */
export async function backUp(
  repository: Repository,
  files: Readonly<Record<string, Uint8Array>>,
  parent?: Id,
): Promise<Snapshot> {
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, parent)
  for (const [path, bytes] of Object.entries(files)) await putBytes(writer, tree, path.split('/'), bytes)
  const root = await tree.commit({ signal })
  await writer.flush({ signal })
  const fields = {
    time: goTime(clock.nowMs()),
    tree: root,
    paths: ['/udid'],
    hostname: 'iphone',
    username: 'phonekeep',
  }
  return await saveSnapshot(repository, fields, { signal })
}

/** Every file of a stored tree, by path. */
export async function readFiles(repository: Repository, root: Id): Promise<Record<string, Buffer>> {
  const tree = openTree(repository, root)
  const files: Record<string, Buffer> = {}
  const walk = async (path: readonly string[]): Promise<void> => {
    for await (const { name, kind } of tree.list(path, { signal })) {
      const child = [...path, name]
      if (kind === 'folder') await walk(child)
      else files[child.join('/')] = Buffer.concat(await Array.fromAsync(tree.readFile(child, { signal })))
    }
  }
  await walk([])
  return files
}
