import { randomSeed, seededHash } from '../indexes/seeded-hash.ts'
import { FileRecords, type HashName, parseHashName } from './file-records.ts'
import type { Entry } from './tree-entry.ts'

/** What the folders of one tree share. */
export class ChangeStore {
  readonly records = new FileRecords()
  readonly seed = randomSeed()
}

const SLOTS_MIN = 8

/**
 * What stands in a folder over what is stored of it, by name. A file that is named by a hash costs its record and a slot of an
 * open-addressing table, at most two thirds full: 74 to 80 bytes; everything else is an object in a map.
 */
export class FolderChanges {
  readonly #store: ChangeStore
  readonly #others = new Map<string, Entry>()
  /** Numbers of records, plus one. */
  #slots = NO_SLOTS
  #records = 0

  constructor(store: ChangeStore) {
    this.#store = store
  }

  /** Memory of the table; the records are counted where they are. */
  get bytes(): number {
    return this.#slots.byteLength
  }

  get(name: string): Entry | undefined {
    const slot = this.#find(name)
    return slot === undefined ? this.#others.get(name) : this.#store.records.fileAt(this.#slots[slot]! - 1)
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined || this.#others.has(name)
  }

  /** Replaces what was there. */
  set(name: string, entry: Entry): void {
    if (this.#others.get(name) !== entry) this.remove(name)
    const hashName = entry.kind === 'file' && this.#store.records.canHold(entry) ? parseHashName(name) : undefined
    if (hashName === undefined || entry.kind !== 'file') this.#others.set(name, entry)
    else this.#add(this.#store.records.add(hashName, entry))
  }

  /** Forgets a name and gives back all memory of what it stood for, also below it. */
  remove(name: string): void {
    const entry = this.#others.get(name)
    if (entry?.kind === 'folder') entry.changes.clear()
    this.take(name)
  }

  /** Forgets a name; what it stood for may be put elsewhere. */
  take(name: string): void {
    const slot = this.#find(name)
    if (slot === undefined) this.#others.delete(name)
    else this.#vacate(slot)
  }

  clear(): void {
    for (const entry of this.#others.values()) if (entry.kind === 'folder') entry.changes.clear()
    this.#others.clear()
    for (const taken of this.#slots) if (taken > 0) this.#store.records.remove(taken - 1)
    this.#slots = NO_SLOTS
    this.#records = 0
  }

  /** In no order. */
  *names(): Generator<string> {
    for (const taken of this.#slots) if (taken > 0) yield this.#store.records.nameAt(taken - 1)
    yield* this.#others.keys()
  }

  #find(name: string): number | undefined {
    if (this.#records === 0) return undefined
    const hashName = parseHashName(name)
    return hashName && this.#slotOf(hashName)
  }

  #slotOf(name: HashName): number | undefined {
    const mask = this.#slots.length - 1
    for (let slot = this.#home(name[0]!, name[1]!); this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#store.records.isNamed(this.#slots[slot]! - 1, name)) return slot
    }
    return undefined
  }

  #add(record: number): void {
    if (++this.#records * 3 > this.#slots.length * 2) this.#grow()
    this.#occupy(record)
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Uint32Array(Math.max(SLOTS_MIN, before.length * 2))
    for (const taken of before) if (taken > 0) this.#occupy(taken - 1)
  }

  #occupy(record: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#homeOf(record)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = record + 1
  }

  /** Empties a slot, and moves those behind it up that would not be found any more. */
  #vacate(slot: number): void {
    this.#store.records.remove(this.#slots[slot]! - 1)
    this.#records--
    const mask = this.#slots.length - 1
    let gap = slot
    for (let next = (gap + 1) & mask; this.#slots[next] !== 0; next = (next + 1) & mask) {
      const home = this.#homeOf(this.#slots[next]! - 1)
      if (((next - home) & mask) < ((next - gap) & mask)) continue
      this.#slots[gap] = this.#slots[next]!
      gap = next
    }
    this.#slots[gap] = 0
  }

  #homeOf(record: number): number {
    const [first, second] = this.#store.records.startOf(record)
    return this.#home(first, second)
  }

  #home(first: number, second: number): number {
    return seededHash(this.#store.seed, first, second) & (this.#slots.length - 1)
  }
}

const NO_SLOTS = new Uint32Array(0)
