import { equalBytes } from '../../../base/bytes.ts'
import type { Secret } from '../../../base/secret.ts'
import { createKeyBag, type KeyBag, openKeyBag, PHONE_ITERATIONS } from './key-bag.ts'

/** The backup password in the phone's keychain, and the key bag that was open last: opening one takes a phone seconds. */
export class BackupEncryption {
  /** Undefined: backups are not encrypted. Changed by `setBackupPassword` alone, as lockdownd tells of it. */
  password: Secret | undefined
  /** Of the first PBKDF2 of key bags to be made. */
  iterations = PHONE_ITERATIONS
  #open: { readonly bag: KeyBag; readonly password: Secret } | undefined

  /** A new key bag under the phone's password, the same for the same seed; undefined without a password. */
  async createKeyBag(seed: string): Promise<KeyBag | undefined> {
    const { password, iterations } = this
    return password && this.#remember(await createKeyBag({ password, iterations, seed }), password)
  }

  /** Undefined when the password is another one. Throws `BackupError` 11 for bytes that are no key bag. */
  async openKeyBag(bytes: Uint8Array, password: Secret): Promise<KeyBag | undefined> {
    const open = this.#open
    const isOpen = open?.password.reveal() === password.reveal() && equalBytes(open.bag.bytes, bytes)
    if (isOpen) return open.bag
    const bag = await openKeyBag(bytes, password)
    return bag && this.#remember(bag, password)
  }

  #remember(bag: KeyBag, password: Secret): KeyBag {
    this.#open = { bag, password }
    return bag
  }
}
