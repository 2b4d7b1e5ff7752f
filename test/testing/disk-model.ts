import { dirname } from 'node:path'
import type { SeededRandom } from '../../src/base/random.ts'
import type { DiskChange } from './disk-recording.ts'

/** What is kept of what was not synced when the power goes. */
export type Luck =
  /** Nothing: neither bytes nor names nor removals. */
  | 'none'
  /** All of it. */
  | 'all'
  /** Each change by itself is kept, or not, or in part. */
  | SeededRandom

/**
 * A disk that keeps what POSIX says it keeps, and nothing else: the bytes of a file once the file was synced after they were
 * written, and its name once the folder was. A rename within a folder happens whole or not at all; a sync covers what had ended
 * when it began.
 */
export class DiskModel {
  readonly changes: readonly DiskChange[]
  /** For each change the number of the sync that makes it durable, or Infinity. */
  readonly #durableAt: readonly number[]

  constructor(changes: readonly DiskChange[]) {
    this.changes = changes
    this.#durableAt = changes.map((change, index) => this.#findSync(change, index))
  }

  #findSync(change: DiskChange, index: number): number {
    if (change.kind === 'sync') return index
    const isSynced = (sync: DiskChange) => {
      if (sync.kind !== 'sync' || sync.covers <= index) return false
      return change.kind === 'write' ? sync.file === change.file : sync.path === dirname(change.path)
    }
    const found = this.changes.findIndex(isSynced)
    return found < 0 ? Number.POSITIVE_INFINITY : found
  }

  /** The files, by path, that are found after a power cut at which so many changes had been made. */
  cut(count: number, luck: Luck): Map<string, Buffer> {
    const disk = new Disk()
    for (const [index, change] of this.changes.slice(0, count).entries()) {
      const isDurable = (this.#durableAt[index] ?? 0) < count
      const kept = isDurable || luck === 'all' ? 1 : luck === 'none' ? 0 : luck.pick([0, luck.next(), 1])
      disk.apply(change, kept)
    }
    return disk.files()
  }
}

/** A write, and how much of it is on the disk. */
interface Piece {
  readonly bytes: Buffer
  readonly keptBytes: number
}

class Disk {
  readonly #folders = new Set(['.'])
  readonly #names = new Map<string, number>()
  readonly #contents = new Map<number, Piece[]>()

  /** Of a write a part may be kept, of anything else all or nothing. */
  apply(change: DiskChange, kept: number): void {
    if (change.kind === 'sync') return
    if (change.kind === 'write') this.#write(change.file, change.bytes, kept)
    else if (kept >= 0.5 && this.#folders.has(dirname(change.path))) this.#name(change)
  }

  #write(file: number, bytes: Buffer, kept: number): void {
    const piece = { bytes, keptBytes: Math.floor(bytes.length * kept) }
    this.#contents.set(file, [...(this.#contents.get(file) ?? []), piece])
  }

  #name(change: Exclude<DiskChange, { kind: 'sync' | 'write' }>): void {
    if (change.kind === 'make-folder') this.#folders.add(change.path)
    else if (change.kind === 'create') this.#names.set(change.path, change.file)
    else {
      if (this.#names.get(change.path) === change.file) this.#names.delete(change.path)
      if (change.kind === 'rename') this.#names.set(change.to, change.file)
    }
  }

  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([path, file]) => [path, contentOf(this.#contents.get(file) ?? [])]))
  }
}

/** A file ends where the last thing that was kept ends; what was lost before it reads as zeros. */
function contentOf(pieces: readonly Piece[]): Buffer {
  const last = pieces.findLastIndex(({ keptBytes }) => keptBytes > 0)
  const kept = pieces.slice(0, last + 1).map(({ bytes, keptBytes }, index) => {
    const length = index === last ? keptBytes : bytes.length
    return keptBytes === bytes.length ? bytes : Buffer.concat([bytes.subarray(0, keptBytes)], length)
  })
  return Buffer.concat(kept)
}
