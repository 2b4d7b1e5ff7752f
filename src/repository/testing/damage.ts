import { seededRandom } from '../../base/random.ts'
import type { Backend } from '../backend/backend.ts'
import { lockRepository } from '../lock.ts'
import { performIndexRepair, planIndexRepair } from '../repair/repair-index.ts'
import { performPackRepair, planPackRepair } from '../repair/repair-packs.ts'
import { performSnapshotRepair, planSnapshotRepair } from '../repair/repair-snapshots.ts'
import type { Repository } from '../repository.ts'
import { clock, signal } from './restic.ts'

/** Who repairs in the tests. */
export const OWNER = { hostname: 'host', username: 'phonekeep-repair', pid: process.pid }

/** All three repairs in the order in which a person is told to run them; what is replaced goes. */
export async function repairAll(repository: Repository, { place }: { readonly place?: Backend } = {}) {
  await using lock = await lockRepository(repository, { mode: 'exclusive', owner: OWNER, clock, signal })
  const packs = await planPackRepair(repository, { signal })
  await performPackRepair(repository, packs, { lock, clock, signal, place })
  const index = await planIndexRepair(repository, { signal })
  await performIndexRepair(repository, index, { lock, signal, place })
  const snapshots = await planSnapshotRepair(repository, { signal })
  await performSnapshotRepair(repository, snapshots, { forget: true, lock, clock, signal, place })
  return { packs, index, snapshots }
}

/** One bit of one file. */
export interface BitFlip {
  readonly path: string
  readonly bit: number
}

/** A bit of any file; each kind of file is as likely as any other. The same seed gives the same one. */
export function randomBitFlip(files: ReadonlyMap<string, Uint8Array>, seed: number): BitFlip {
  const random = seededRandom(seed)
  const paths = [...files.keys()].toSorted()
  const kind = random.pick([...new Set(paths.map(kindOf))])
  const path = random.pick(paths.filter((each) => kindOf(each) === kind))
  return { path, bit: random.below((files.get(path)?.length ?? 0) * 8) }
}

/** A copy of the files, with that bit flipped. */
export function flipped(files: ReadonlyMap<string, Uint8Array>, { path, bit }: BitFlip): Map<string, Uint8Array> {
  const bytes = Buffer.from(files.get(path) ?? [])
  bytes[bit >>> 3]! ^= 1 << (bit & 7)
  return new Map(files).set(path, bytes)
}

/** The folder it is in, or the config. */
export function kindOf(path: string): string {
  return path.split('/')[0] ?? ''
}
