import { type Backend, pathOf, type StoredName } from '../backend/backend.ts'
import { damaged } from '../errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import type { RepositoryLock } from '../lock.ts'

/** What every repair needs. */
export interface PerformRepairOptions {
  /** An exclusive one, held since before the planning. */
  readonly lock: RepositoryLock
  readonly signal: AbortSignal
  /** Where damaged files are put: the repository's own quarantine, or that of another backend where it cannot have one. */
  readonly place?: Backend | undefined
}

/** Nothing that large is ever written by a known program. */
const BYTES_MAX = 1024 ** 3

/**
 * Moves a damaged file out of the way of every program: its bytes are stored under `quarantine`, named by their own SHA-256, and
 * are durable there before the file goes. Resolves with the id it has there; undefined when there is no such file any more.
 * The whole file is in memory meanwhile.
 */
export async function quarantine(
  backend: Backend,
  name: StoredName,
  { place = backend, signal }: Omit<PerformRepairOptions, 'lock'>,
): Promise<Id | undefined> {
  const bytes = await backend.load(name, { offset: 0, length: BYTES_MAX + 1 }, { signal })
  if (bytes === undefined) return undefined
  if (bytes.length > BYTES_MAX) throw damaged(pathOf(name), `it has more than ${BYTES_MAX} bytes: move it away by hand`)
  const id = sha256(bytes)
  await place.save({ kind: 'quarantine', id }, [bytes], { signal })
  await backend.remove(name, { signal })
  return id
}
