import type { Plist, PlistDict } from '../../plist/index.ts'
import { Listeners } from '../listeners.ts'

/** A value, or how to find it out at the moment somebody asks (the time, for one). */
export type LockdownValue = Plist | (() => Plist)

export interface ValueChange {
  /** Empty for values without a domain. */
  readonly domain: string
  readonly key: string
}

/** What lockdownd knows about the phone: keys in domains, where the empty domain is the one that needs no name. */
export class LockdownValues {
  /** Told after every change. */
  readonly changes = new Listeners<ValueChange>()
  readonly #domains = new Map<string, Map<string, LockdownValue>>()
  #size = 0

  /** Undefined if there is no such key. */
  get(domain: string, key: string): Plist | undefined {
    const value = this.#domains.get(domain)?.get(key)
    return typeof value === 'function' ? value() : value
  }

  /** Every key of a domain; empty if there is no such domain. */
  all(domain: string): PlistDict {
    const keys = this.#domains.get(domain)?.keys() ?? []
    return Object.fromEntries(Array.from(keys, (key) => [key, this.get(domain, key)!]))
  }

  has(domain: string, key: string): boolean {
    return this.#domains.get(domain)?.has(key) ?? false
  }

  /** How many keys there are in all domains. */
  get size(): number {
    return this.#size
  }

  set(domain: string, key: string, value: LockdownValue): void {
    const keys = this.#domains.getOrInsertComputed(domain, () => new Map())
    if (!keys.has(key)) this.#size++
    keys.set(key, value)
    this.changes.tell({ domain, key })
  }

  remove(domain: string, key: string): void {
    const keys = this.#domains.get(domain)
    if (!keys?.delete(key)) return
    this.#size--
    if (keys.size === 0) this.#domains.delete(domain)
    this.changes.tell({ domain, key })
  }
}
