import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { equalBytes } from '../../base/bytes.ts'
import { isSystemError } from '../../base/errors.ts'
import { BackupError, MB } from './backup-error.ts'
import { type Decryption, decryptTo } from './encryption/ciphertext.ts'
import type { Receiver } from './host-drive.ts'

/** What files may take on this machine together, bytes. */
export interface Room {
  left: number
}

interface IncomingOptions {
  /** Where on this machine it goes. */
  readonly path: string
  readonly room: Room
  /** Of an encrypted file. */
  readonly key?: Uint8Array | undefined
  /** SHA-1 that the stored bytes must have, if the manifest tells. */
  readonly digest?: Uint8Array | undefined
}

/**
 * One file on its way from the host to this machine: checked, decrypted, written. What goes wrong here does not stop the
 * stream that it comes in: it is kept as `failure`, and the rest of the file is passed over. Disposing closes the file.
 */
export class IncomingFile implements Receiver, AsyncDisposable {
  /** Bytes written so far. */
  size = 0
  failure: BackupError | undefined
  readonly #options: IncomingOptions
  readonly #digest: Hash | undefined
  readonly #decryption: Decryption | undefined
  #file: FileHandle | undefined

  constructor(options: IncomingOptions) {
    this.#options = options
    this.#digest = options.digest && createHash('sha1')
    this.#decryption = options.key && decryptTo(options.key, (piece) => this.#write(piece))
  }

  readonly data = (stored: Uint8Array): Promise<void> =>
    this.#unlessFailed(async () => {
      this.#digest?.update(stored)
      await (this.#decryption?.sink(stored) ?? this.#write(stored))
    })

  async end(): Promise<void> {
    await this.#unlessFailed(async () => {
      await this.#decryption?.end()
      const file = await this.#open()
      await file.truncate(this.size)
      this.#checkDigest()
    })
    await this[Symbol.asyncDispose]()
  }

  #checkDigest(): void {
    const { digest } = this.#options
    if (digest === undefined || this.#digest === undefined || equalBytes(this.#digest.digest(), digest)) return
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
    const { room } = this.#options
    if (bytes.length > room.left) throw noSpace()
    room.left -= bytes.length
    if (!isZero(bytes)) await writeAt(file, bytes, this.size)
    this.size += bytes.length
  }

  async #open(): Promise<FileHandle> {
    this.#file ??= await open(this.#options.path, 'w', 0o600)
    return this.#file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

const ZEROS = new Uint8Array(64 * 1024)

/** Such pieces are left out of a file, which takes less room on the disk then and reads the same. */
function isZero(piece: Uint8Array): boolean {
  return piece.length <= ZEROS.length && equalBytes(piece, ZEROS.subarray(0, piece.length))
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}

function noSpace(): BackupError {
  return new BackupError(MB.deviceFull, 'No space left on device')
}

/** This machine's disk is the phone's. */
function asBackupError(error: unknown): BackupError {
  if (error instanceof BackupError) return error
  if (isSystemError(error, 'ENOSPC')) return noSpace()
  if (isSystemError(error)) return new BackupError(MB.deviceWrite, `Error writing file (${error.message})`)
  throw error
}
