import { Listeners } from '../listeners.ts'
import type { Pairings } from '../lockdown/pairings.ts'
import type { LockdownNews } from '../lockdown/requests.ts'

/** Who the pairings of a phone are with: on the network it shows itself to each of these computers. */
export class TrustedHosts {
  /** Told after every change. */
  readonly changes = new Listeners<void>()
  readonly #pairings: Pairings
  #hostIds: readonly string[] = []

  constructor(pairings: Pairings) {
    this.#pairings = pairings
  }

  /** The computers that are trusted now, the newest last. */
  get hostIds(): readonly string[] {
    return this.#hostIds
  }

  /** What lockdownd tells while it is asked. */
  follow(news: LockdownNews): void {
    if (news.kind !== 'paired' && news.kind !== 'unpaired') return
    this.#keepTrusted([...this.#hostIds.filter((known) => known !== news.hostId), news.hostId])
  }

  /** No computer is trusted any more. */
  forgetAll(): void {
    this.#pairings.forgetAll()
    this.#keepTrusted([])
  }

  #keepTrusted(hostIds: readonly string[]): void {
    this.#hostIds = hostIds.filter((hostId) => this.#pairings.get(hostId) !== undefined)
    this.changes.tell()
  }
}
