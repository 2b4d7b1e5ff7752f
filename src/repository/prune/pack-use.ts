import { damaged } from '../errors.ts'
import type { Id } from '../format/id.ts'
import type { BlobIndex, BlobLocation, BlobType } from '../indexes/blob-index.ts'
import type { BlobMarks } from '../indexes/blob-marks.ts'
import { entryBytes, packBytes } from '../packs/pack.ts'

/** How much of a pack is in use. Bytes are those of the stored file: sealed blobs, and their part of the header. */
export interface PackUse {
  readonly id: Id
  /** `mixed` packs come from repositories of the older format. */
  readonly holds: BlobType | 'mixed'
  readonly blobs: number
  readonly bytes: number
  readonly usedBlobs: number
  /** All `bytes` when all blobs are in use. */
  readonly usedBytes: number
}

/** Which packs hold what is in use. */
export interface PackUses {
  /** Those that an index lists and that are there, in the order of the index. */
  readonly packs: readonly PackUse[]
  /** Those that an index lists but that are gone, or not as large as they should be; nothing of them is needed. */
  readonly unusable: readonly Id[]
  /** True for the copy of a blob that stays; false for blobs that nobody needs, and for spare copies. */
  isKept(blob: BlobLocation): boolean
  /** The copies that stay of blobs of which there are others. */
  keptOfSeveral(): Iterable<BlobLocation>
}

/**
 * Says how much of each pack is in use. `stored` has the size of every pack that is there. Of a blob that lies in several packs one
 * copy counts: the one whose pack is used most anyway, so that the others become free, and none that is known not to be good.
 * Throws `repo.damaged` when a blob that is needed lies in no pack of the right size.
 */
export function measurePacks(
  index: BlobIndex,
  used: BlobMarks,
  { stored, isGood }: { readonly stored: ReadonlyMap<Id, number>; readonly isGood: (copy: BlobLocation) => boolean },
): PackUses {
  const { tallies, copied } = tallyPacks(index, used)
  const isUsable = ({ id, bytes }: Tally) => stored.get(id) === bytes
  const worthOf = (copy: BlobLocation) => {
    const tally = tallies.get(copy.packId)
    if (tally === undefined || !isUsable(tally)) return -2
    return isGood(copy) ? (2 * tally.neededBytes - tally.sharedBytes) / tally.bytes : -1
  }
  const chosen = chooseCopies(index, copied, worthOf)
  const isKept = (blob: BlobLocation): boolean => {
    if (!used.has(blob.type, blob.id)) return false
    const pack = chosen.get(index.numberOf(blob.type, blob.id) ?? -1)
    return pack === undefined || pack === blob.packId
  }
  for (const blob of index.blobs()) if (isKept(blob)) countUsed(tallies.get(blob.packId), blob)
  const packs: PackUse[] = []
  const unusable: Id[] = []
  for (const tally of tallies.values()) {
    const { id, holds, blobs, bytes, usedBlobs, usedBytes } = tally
    if (isUsable(tally)) packs.push({ id, holds, blobs, bytes, usedBlobs, usedBytes })
    else if (usedBlobs > 0) throw lostPack(tally, stored.get(id))
    else unusable.push(id)
  }
  const keptOfSeveral = function* () {
    if (chosen.size === 0) return
    for (const blob of index.blobs()) {
      if (chosen.has(index.numberOf(blob.type, blob.id) ?? -1) && isKept(blob)) yield blob
    }
  }
  return { packs, unusable, isKept, keptOfSeveral }
}

/** A `PackUse` that is being counted. */
interface Tally {
  readonly id: Id
  holds: BlobType | 'mixed'
  blobs: number
  bytes: number
  usedBlobs: number
  usedBytes: number
  /** Of the blobs that somebody needs, and of those among them that lie elsewhere as well. */
  neededBytes: number
  sharedBytes: number
}

/** Counts what lies where, and finds the blobs that are needed and have copies: the numbers of their first ones. */
function tallyPacks(index: BlobIndex, used: BlobMarks): { tallies: ReadonlyMap<Id, Tally>; copied: Set<number> } {
  const tallies = new Map<Id, Tally>()
  const copied = new Set<number>()
  let number = 0
  for (const blob of index.blobs()) {
    const bytes = blob.length + entryBytes(blob)
    const tally = tallies.get(blob.packId) ?? newTally(blob)
    tallies.set(blob.packId, tally)
    tally.blobs++
    tally.bytes += bytes
    if (tally.holds !== blob.type) tally.holds = 'mixed'
    if (used.has(blob.type, blob.id)) {
      tally.neededBytes += bytes
      const first = index.numberOf(blob.type, blob.id)
      if (first !== undefined && first !== number) {
        tally.sharedBytes += bytes
        const firstTally = tallies.get(index.find(blob.type, blob.id)?.packId ?? blob.packId)
        if (!copied.has(first) && firstTally !== undefined) firstTally.sharedBytes += bytes
        copied.add(first)
      }
    }
    number++
  }
  return { tallies, copied }
}

function newTally({ packId, type }: BlobLocation): Tally {
  const nothing = { blobs: 0, usedBlobs: 0, usedBytes: 0, neededBytes: 0, sharedBytes: 0 }
  return { id: packId, holds: type, bytes: packBytes([]), ...nothing }
}

/** The pack whose copy stays, by the number of the blob's first copy. */
function chooseCopies(
  index: BlobIndex,
  copied: ReadonlySet<number>,
  worthOf: (copy: BlobLocation) => number,
): ReadonlyMap<number, Id> {
  const chosen = new Map<number, Id>()
  if (copied.size === 0) return chosen
  let number = 0
  for (const { type, id } of index.blobs()) {
    if (copied.has(number)) {
      const copies = index.findAll(type, id)
      chosen.set(number, copies.reduce((best, copy) => (worthOf(copy) > worthOf(best) ? copy : best)).packId)
    }
    number++
  }
  return chosen
}

function countUsed(tally: Tally | undefined, blob: BlobLocation): void {
  if (tally === undefined) return
  if (tally.usedBlobs === 0) tally.usedBytes = packBytes([])
  tally.usedBlobs++
  tally.usedBytes += blob.length + entryBytes(blob)
}

function lostPack({ id, bytes, usedBlobs }: Tally, foundBytes: number | undefined): Error {
  const saw = foundBytes === undefined ? 'it is missing' : `it has ${foundBytes} bytes instead of ${bytes}`
  return damaged(`The pack ${id}`, `${saw}, and snapshots need ${usedBlobs} of its blobs`)
}
