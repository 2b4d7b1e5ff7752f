import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { equalBytes } from '../../../base/bytes.ts'
import { isSystemError } from '../../../base/errors.ts'
import { BackupError, MB } from '../backup-error.ts'
import { decryptTo } from '../encryption/ciphertext.ts'
import type { Receiver } from '../host-drive.ts'

interface IncomingOptions {
  /** Where on this machine it goes. */
  readonly path: string
  /** Of an encrypted file. */
  readonly key: Uint8Array | undefined
  /** SHA-1 that the stored bytes must have, if the manifest tells. */
  readonly digest: Uint8Array | undefined
}

/**
 * One file on its way from the host to this machine: checked, decrypted, written. What goes wrong here does not stop the
 * stream that it comes in: it is kept as `failure`, and the rest of the file is passed over. Disposing closes the file.
 */
export class IncomingFile implements Receiver, AsyncDisposable {
  /** Bytes written so far. */
  size = 0
  failure: BackupError | undefined
  readonly #path: string
  readonly #expected: Uint8Array | undefined
  readonly #digest: Hash | undefined
  readonly #decryption: ReturnType<typeof decryptTo> | undefined
  #file: FileHandle | undefined

  constructor({ path, key, digest }: IncomingOptions) {
    this.#path = path
    this.#expected = digest
    this.#digest = digest && createHash('sha1')
    this.#decryption = key && decryptTo(key, (piece) => this.#write(piece))
  }

  readonly data = (stored: Uint8Array): Promise<void> =>
    this.#unlessFailed(async () => {
      this.#digest?.update(stored)
      await (this.#decryption?.sink(stored) ?? this.#write(stored))
    })

  async end(): Promise<void> {
    await this.#unlessFailed(async () => {
      await this.#decryption?.end()
      await this.#open()
      this.#checkDigest()
    })
    await this[Symbol.asyncDispose]()
  }

  #checkDigest(): void {
    if (this.#expected === undefined || this.#digest === undefined) return
    if (equalBytes(this.#digest.digest(), this.#expected)) return
    throw new BackupError(MB.inconsistent, 'File digest mismatch')
  }

  async #unlessFailed(work: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return
    try {
      await work()
    } catch (error) {
      this.failure = asBackupError(error)
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const file = await this.#open()
    await file.writeFile(bytes)
    this.size += bytes.length
  }

  async #open(): Promise<FileHandle> {
    this.#file ??= await open(this.#path, 'w', 0o600)
    return this.#file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

/** This machine's disk is the phone's. */
function asBackupError(error: unknown): BackupError {
  if (error instanceof BackupError) return error
  if (isSystemError(error, 'ENOSPC')) return new BackupError(MB.deviceFull, 'No space left on device')
  if (isSystemError(error)) return new BackupError(MB.deviceWrite, `Error writing file (${error.message})`)
  throw error
}
