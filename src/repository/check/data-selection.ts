import { seededRandom } from '../../base/random.ts'
import type { Id } from '../format/id.ts'
import type { StoredPack } from '../packs/pack-reader.ts'

/** Which packs a check reads whole. */
export type DataSelection =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  /** One of so many parts, 1 <= part <= parts <= 256: the same packs each time, and all of them after all parts. As restic's. */
  | { readonly kind: 'part'; readonly part: number; readonly parts: number }
  /** Packs at random, until they are this share of all bytes, or have that many bytes. */
  | { readonly kind: 'share'; readonly percent: number }
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** Those that were not verified for the longest time, until that many bytes are read, or that much time has passed. */
  | { readonly kind: 'oldest'; readonly bytesMax?: number | undefined; readonly msMax?: number | undefined }

/** The packs to read, in the order in which to read them; a limit of time is for the reader to keep. Pure, but for the seed. */
export function choosePacks(
  packs: readonly StoredPack[],
  selection: DataSelection,
  { verified, seed }: { readonly verified: ReadonlyMap<Id, number>; readonly seed: number },
): readonly StoredPack[] {
  switch (selection.kind) {
    case 'none':
      return []
    case 'all':
      return packs
    case 'part':
      return packs.filter(({ id }) => Number.parseInt(id.slice(0, 2), 16) % selection.parts === selection.part - 1)
    case 'share':
      return upTo((bytesOf(packs) * selection.percent) / 100, shuffled(packs, seed))
    case 'bytes':
      return upTo(selection.bytes, shuffled(packs, seed))
    case 'oldest':
      return upTo(selection.bytesMax ?? Number.POSITIVE_INFINITY, oldestFirst(packs, verified))
  }
}

function bytesOf(packs: readonly StoredPack[]): number {
  return packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** As many as it takes to have that many bytes: at least one, if there is any and it is wanted. */
function upTo(bytesMax: number, packs: readonly StoredPack[]): readonly StoredPack[] {
  let bytes = 0
  const end = packs.findIndex(({ sizeBytes }) => {
    const isEnough = bytes >= bytesMax
    bytes += sizeBytes
    return isEnough
  })
  return end === -1 ? packs : packs.slice(0, end)
}

/** What was never verified comes first. Among equals the id decides, which is as good as chance. */
function oldestFirst(packs: readonly StoredPack[], verified: ReadonlyMap<Id, number>): readonly StoredPack[] {
  return packs.toSorted((left, right) => {
    const age = (verified.get(left.id) ?? 0) - (verified.get(right.id) ?? 0)
    return age !== 0 ? age : left.id < right.id ? -1 : 1
  })
}

function shuffled(packs: readonly StoredPack[], seed: number): readonly StoredPack[] {
  const random = seededRandom(seed)
  const rest = [...packs]
  for (let last = rest.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = rest[last]!
    rest[last] = rest[other]!
    rest[other] = kept
  }
  return rest
}
