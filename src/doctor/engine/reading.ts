/** Where a fact comes from. */
export type FactSource =
  /** The phone's own values. */
  | 'lockdown'
  /** The registry of the phone's drivers. */
  | 'registry'
  | 'phone-log'
  /** What a backup of the phone holds about its iCloud backups. */
  | 'backup'
  /** What was noted at earlier looks. */
  | 'notes'
  | 'apple-feed'
  | 'repository'
  | 'this-computer'
  | 'person'

/** Why nothing is known. */
export type UnreadReason =
  | 'not-asked'
  /** Listened for, and nothing came: that says nothing. */
  | 'silent'
  | 'no-phone'
  /** The connection failed: nothing follows from that. */
  | 'link'
  | 'refused'
  /** The answer had a shape that means nothing. */
  | 'odd'
  | 'offline'
  /** The person does not know. */
  | 'unsure'

/** What is known of a fact. That a phone has no such value is an answer; that it could not be asked is none. */
export type Reading<Value> =
  | { readonly kind: 'known'; readonly value: Value; readonly source: FactSource; readonly atMs: number }
  | { readonly kind: 'absent'; readonly source: FactSource; readonly atMs: number }
  | { readonly kind: 'unread'; readonly why: UnreadReason; readonly note?: string }

export const NOT_ASKED: Reading<never> = { kind: 'unread', why: 'not-asked' }

/** Somebody was asked, and no answer can be made of it. */
export function hasFailed(found: Reading<unknown>): boolean {
  return found.kind === 'unread' && found.why !== 'not-asked' && found.why !== 'silent'
}
