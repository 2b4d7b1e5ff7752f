import type { CauseId } from './causes.ts'
import type { FactName } from './facts.ts'
import type { Message } from './message.ts'
import type { QuestionId } from './questions.ts'

/** The nine of the guide, in its order. */
export const NINE = [
  'switch',
  'wifi',
  'power',
  'storage',
  'service',
  'account',
  'restart',
  'settings',
  'update',
] as const

/** What else keeps iCloud from backing a phone up. */
export const BEYOND = ['management', 'phone-storage', 'clock', 'modes', 'network', 'copy', 'back-off', 'setup'] as const

/** What keeps our own backups from being made. */
export const OWN = ['reach', 'trust', 'runs', 'room', 'repository', 'password'] as const

export type CheckId = (typeof NINE)[number] | (typeof BEYOND)[number] | `own-${(typeof OWN)[number]}`

/** `asked`: only the person can tell, and has not yet. Unknown is never ok, and a failed reading never a problem. */
export type Status = 'ok' | 'problem' | 'unknown' | 'asked'

/** What was seen, and in which facts. */
export interface Evidence {
  readonly message: Message
  readonly facts: readonly FactName[]
}

/** The answer of one check. */
export type Finding =
  | { readonly check: CheckId; readonly status: 'ok' | 'unknown'; readonly evidence: readonly Evidence[] }
  | {
      readonly check: CheckId
      readonly status: 'asked'
      readonly question: QuestionId
      readonly evidence: readonly Evidence[]
    }
  | {
      readonly check: CheckId
      readonly status: 'problem'
      readonly cause: CauseId
      readonly certainty: Certainty
      readonly evidence: readonly Evidence[]
    }

/** `certain`: this alone stops backups. `likely`: the evidence points there. `possible`: it fits, as other things would. */
export type Certainty = 'certain' | 'likely' | 'possible'
