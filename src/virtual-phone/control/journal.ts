import type { PhoneEvent, VirtualPhone } from '../phone.ts'

/** Something that happened on the phone, and when by its clock. */
export type JournalEntry = PhoneEvent & { readonly atMs: number }

/** The newest are kept. */
const ENTRIES_MAX = 200

/** What has happened on a phone lately, for whoever asks afterwards. Disposing ends the writing. */
export class Journal implements Disposable {
  readonly #stop: () => void
  #entries: readonly JournalEntry[] = []
  #backups = 0

  constructor({ events, clock }: VirtualPhone) {
    this.#stop = events.add((event) => {
      if (event.kind === 'backed-up') this.#backups++
      this.#entries = [...this.#entries.slice(1 - ENTRIES_MAX), { ...event, atMs: clock.nowMs() }]
    })
  }

  /** Oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.#entries
  }

  /** Backups that were finished. */
  get backups(): number {
    return this.#backups
  }

  [Symbol.dispose](): void {
    this.#stop()
  }
}
