import { type SeededRandom, seededRandom } from '../../base/random.ts'
import type { Entry } from './entry.ts'
import { sourceFor } from './file-types.ts'
import type { PhoneContents } from './phone-contents.ts'

export interface ChangeCounts {
  readonly seed: number
  /** How many files each; fewer when the phone has not so many. A file is changed in one way only. */
  readonly add?: number
  readonly rewrite?: number
  readonly move?: number
  readonly remove?: number
}

/** Picks files by the seed; databases are left alone, so that they still open. */
export function changeContents(contents: PhoneContents, counts: ChangeCounts): void {
  const { seed, add = 0, rewrite = 0, move = 0, remove = 0 } = counts
  const random = seededRandom(seed)
  const chosen = sample(changeable(contents), rewrite + move + remove, random)
  for (const entry of chosen.splice(0, rewrite)) rewriteFile(contents, entry, random)
  for (const entry of chosen.splice(0, move)) contents.move(entry, { ...entry, relativePath: renamed(entry, random) })
  for (const entry of chosen) contents.remove(entry)
  for (let index = 0; index < add; index++) addFile(contents, random)
}

function* changeable(contents: PhoneContents): Generator<Entry> {
  for (const entry of contents.entries()) if (entry.kind === 'file' && !DATABASE.test(entry.relativePath)) yield entry
}

const DATABASE = /\.(db|sqlite|sqlitedb|storedata|sqlite3)$/

/** An evenly drawn sample in one pass, shuffled. */
function sample<Item>(items: Iterable<Item>, count: number, random: SeededRandom): Item[] {
  const chosen: Item[] = []
  let seen = 0
  for (const item of items) {
    const slot = random.below(++seen)
    if (chosen.length < count) {
      chosen.push(chosen[slot] ?? item)
      chosen[slot] = item
    } else if (slot < count) chosen[slot] = item
  }
  return chosen
}

function rewriteFile(contents: PhoneContents, entry: Entry, random: SeededRandom): void {
  const grownBy = random.below(Math.max(16, Math.floor(entry.size / 10)))
  const size = Math.max(1, entry.size - random.below(16) + grownBy)
  contents.rewrite(entry, { source: sourceFor(entry.relativePath), seed: random.below(2 ** 48), size })
}

function renamed({ relativePath }: Entry, random: SeededRandom): string {
  const name = relativePath.slice(relativePath.lastIndexOf('/') + 1)
  return `${relativePath.slice(0, -name.length)}moved-${random.below(2 ** 32).toString(36)}-${name}`
}

function addFile(contents: PhoneContents, random: SeededRandom): void {
  const number = random.below(2 ** 40).toString(36)
  const relativePath = random.pick([
    `Media/DCIM/100APPLE/IMG_N${number}.HEIC`,
    `Media/DCIM/100APPLE/IMG_N${number}.JPG`,
  ])
  const content = { source: sourceFor(relativePath), seed: random.below(2 ** 48), size: 20_000 + random.below(400_000) }
  contents.rewrite({ domain: 'CameraRollDomain', relativePath }, content)
}
