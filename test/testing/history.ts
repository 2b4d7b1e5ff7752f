import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  createRepository,
  goTime,
  type Id,
  openLocalBackend,
  openTree,
  openWriter,
  type Repository,
  type Snapshot,
  saveSnapshot,
} from '../../src/repository/index.ts'
import { seededBytes } from '../../src/repository/testing/bytes.ts'
import { PASSWORD } from './world.ts'

/** scrypt at a cost that nobody has to wait for. */
const CHEAP_KDF = { N: 16, r: 8, p: 1 }
const FIRST_MS = Date.parse('2025-03-01T12:00:00Z')
const DAY_MS = 24 * 60 * 60 * 1000

export async function newRepository(folder: string): Promise<Repository> {
  const password = new Secret(PASSWORD)
  return await createRepository(openLocalBackend(folder), {
    password,
    clock: systemClock,
    signal: NEVER,
    kdf: CHEAP_KDF,
  })
}

/**
 * Makes a repository with a snapshot a day, and gives their ids, the oldest first. What some of them share and others do not need
 * lies in the same packs, so that a prune has packs to keep, to remove, and to move something out of.
 */
export async function makeHistory(folder: string, { days }: { readonly days: number }): Promise<readonly string[]> {
  const repository = await newRepository(folder)
  const snapshots: Snapshot[] = []
  for (let day = 0; day < days; day++) snapshots.push(await storeSnapshot(repository, day, snapshots.at(-1)))
  return snapshots.map(({ id }) => id)
}

/** What a day brings, over the tree of the day before if that is known. */
export async function storeSnapshot(repository: Repository, day: number, parent?: Snapshot): Promise<Snapshot> {
  const time = goTime(FIRST_MS + day * DAY_MS)
  const tree = await storeTree(repository, day, parent)
  const fields = { time, tree, paths: ['/udid'], hostname: 'iphone-history', username: 'phonekeep' }
  return await saveSnapshot(repository, fields, { signal: NEVER })
}

async function storeTree(repository: Repository, day: number, parent: Snapshot | undefined): Promise<Id> {
  await using writer = openWriter(repository, { clock: systemClock, signal: NEVER })
  const tree = openTree(writer, parent?.tree)
  const files = {
    [`photo-${day}`]: seededBytes(day, 90_000),
    database: Buffer.concat([seededBytes(1000, 60_000), seededBytes(2000 + day, 20_000)]),
    [`notes-${day % 3}`]: Buffer.from(`day ${day} `.repeat(2000)),
  }
  for (const [name, bytes] of Object.entries(files)) {
    const file = writer.openFile()
    await file.write(bytes)
    await tree.putFile(['udid', name], { ...(await file.finish()), modifiedMs: FIRST_MS }, { signal: NEVER })
  }
  const root = await tree.commit({ signal: NEVER })
  await writer.flush({ signal: NEVER })
  return root
}

/** A copy to be spoilt, of links to the same files: nothing is ever changed within a file of a repository. */
export async function linkRepository(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-al', from, to])
}
