import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { randomBytes } from '../base/random.ts'
import { Secret } from '../base/secret.ts'
import type { KeyLabel, StoredKeyLabel } from './format/key.ts'

/** Of a recovery key: 256 bits and 8 bits of checksum, 11 bits a word. */
export const RECOVERY_WORDS = 24
const ENTROPY_BYTES = 32

/** What the key file of a recovery key says of itself, which `restic key list` shows. Nothing proves it. */
const LABEL = { username: 'recovery', hostname: 'paper' } as const

/**
 * A new recovery key: the password of one more key of a repository, as 24 BIP-39 words in lower case with single spaces between
 * them. To restic it is a password like any other.
 */
export function newRecoveryWords(): Secret {
  return new Secret(entropyToMnemonic(randomBytes(ENTROPY_BYTES), wordlist))
}

/** How the key file of a recovery key is labelled. */
export function recoveryLabel(createdMs: number): KeyLabel {
  return { ...LABEL, createdMs }
}

export function isRecoveryKey({ username, hostname }: Pick<StoredKeyLabel, 'username' | 'hostname'>): boolean {
  return username === LABEL.username && hostname === LABEL.hostname
}

/** What a text is that somebody gave for a password. */
export type RecoveryReading =
  /** A recovery key; `password` is how the repository knows it. */
  | { readonly kind: 'words'; readonly password: Secret }
  /** Meant as one, as far as can be told, but `saw` is wrong with it. It repeats none of the words. */
  | { readonly kind: 'slip'; readonly saw: string }
  | { readonly kind: 'other' }

/** Of the words of a text at least so many must be in the list before it looks like a recovery key. */
const KNOWN_WORDS_MIN = 12

/** Reads 24 words in any case, with any spaces, line breaks and numbers between them. */
export function readRecoveryWords(text: string): RecoveryReading {
  const words = text
    .toLowerCase()
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== '')
  const unknown = words.flatMap((word, index) => (KNOWN.has(word) ? [] : [index + 1]))
  if (words.length - unknown.length < KNOWN_WORDS_MIN) return { kind: 'other' }
  if (words.length !== RECOVERY_WORDS)
    return slip(`A recovery key has ${RECOVERY_WORDS} words; these are ${words.length}`)
  if (unknown.length > 0) return slip(`${listed(unknown)} not in the list of words that recovery keys are made of`)
  const password = words.join(' ')
  if (!isRight(password))
    return slip(
      'Each of these words is in the list, but together they are no recovery key: one is another word, or in another place',
    )
  return { kind: 'words', password: new Secret(password) }
}

const KNOWN: ReadonlySet<string> = new Set(wordlist)

function isRight(words: string): boolean {
  try {
    return mnemonicToEntropy(words, wordlist).length === ENTROPY_BYTES
  } catch {
    return false
  }
}

function slip(saw: string): RecoveryReading {
  return { kind: 'slip', saw }
}

/** `Word 7 is`, `Words 7 and 9 are` */
function listed(numbers: readonly number[]): string {
  if (numbers.length === 1) return `Word ${numbers[0]} is`
  return `Words ${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)} are`
}
