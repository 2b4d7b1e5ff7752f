import assert from 'node:assert/strict'
import { NEVER } from '../../src/base/abort.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  type Backend,
  checkRepository,
  type Id,
  INCOMPLETE_TAG,
  listSnapshots,
  openLocalBackend,
  openRepository,
} from '../../src/repository/index.ts'
import { PASSWORD } from './world.ts'

/** Snapshots that must be there, and others that may be. Without `may`, all may. */
export interface Expected {
  readonly must: Iterable<string>
  readonly may?: Iterable<string> | undefined
}

/**
 * Asserts that every byte of a repository is what it should be, and that no snapshot is lost; gives the complete ones. As a
 * snapshot's id follows from its tree's, and that from every byte of its files, it restores what was stored.
 */
export async function assertSound(
  where: string | Backend,
  { must, may }: Expected,
  claim: string,
): Promise<readonly Id[]> {
  const backend = typeof where === 'string' ? openLocalBackend(where) : where
  const repository = await openRepository(backend, { password: new Secret(PASSWORD), signal: NEVER })
  const { ok, findings } = await checkRepository(repository, { readData: true, signal: NEVER })
  assert.ok(ok, `${claim}: ${JSON.stringify(findings)}`)
  const snapshots = await listSnapshots(repository, { signal: NEVER })
  const ids = snapshots.filter(({ tags }) => !tags?.includes(INCOMPLETE_TAG)).map(({ id }) => id)
  assert.deepEqual([...new Set(must).difference(new Set<string>(ids))], [], `${claim}: snapshots are lost`)
  if (may !== undefined)
    assert.deepEqual([...new Set<string>(ids).difference(new Set(may))], [], `${claim}: snapshots are back`)
  return ids
}
