import assert from 'node:assert/strict'
import type { Backend, HashedKind } from '../backend/backend.ts'
import { sha256 } from '../format/id.ts'
import { lockRepository } from '../lock.ts'
import { createRepository } from '../repository.ts'
import { seededBytes } from './bytes.ts'
import { backUp, openedAgain, readFiles } from './repositories.ts'
import { CHEAP_KDF, clock, PASSWORD, signal } from './restic.ts'

const FILES: Readonly<Record<string, Buffer>> = {
  'udid/one': seededBytes(1, 700_000),
  'udid/two': seededBytes(2, 10),
  'udid/three': Buffer.from('three'),
}
const KINDS = ['key', 'lock', 'snapshot', 'index', 'pack'] as const satisfies readonly HashedKind[]

/** Everything that a backup asks of a backend: makes a repository, locks it, stores, reads back, and gives the lock back. */
export async function runBackup(backend: Backend): Promise<void> {
  const repository = await createRepository(backend, { password: PASSWORD, clock, signal, kdf: CHEAP_KDF })
  const owner = { hostname: 'test-machine', username: 'phonekeep-test', pid: process.pid }
  await using lock = await lockRepository(repository, { mode: 'shared', owner, clock, signal })
  const snapshot = await backUp(repository, FILES)
  await lock.verify({ signal })
  assert.deepEqual(await readFiles(await openedAgain(backend), snapshot.tree), FILES)
}

/** What `runBackup` left: every file is what its name says, and no lock is left. */
export async function assertBackedUp(backend: Backend): Promise<void> {
  assert.deepEqual(await assertNothingTorn(backend), { key: 1, lock: 0, snapshot: 1, index: 1, pack: 2 })
}

/** Every file is what its name says. Gives the number of each kind. */
export async function assertNothingTorn(backend: Backend): Promise<Readonly<Record<(typeof KINDS)[number], number>>> {
  const found = { key: 0, lock: 0, snapshot: 0, index: 0, pack: 0 }
  for (const kind of KINDS) {
    for await (const { id, sizeBytes } of backend.list(kind, { signal })) {
      const bytes = await backend.load({ kind, id }, { offset: 0, length: 2 ** 26 }, { signal })
      assert.deepEqual([bytes && sha256(bytes), bytes?.length], [id, sizeBytes])
      found[kind]++
    }
  }
  return found
}
