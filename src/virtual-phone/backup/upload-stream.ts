import type { WaitOptions } from '../../base/channel.ts'
import { type DeviceLink, frameHead } from './device-link.ts'

/** The first byte of a block of data; any other is the negated status that a file ended with. */
export const DATA_CODE = 0x0c
/** How a failed file ends: the negated status for EIO. */
export const IO_ERROR_CODE = 0x0b

/** Small frames wait until there are that many bytes of them. */
const PENDING_BYTES_MAX = 192 * 1024

export interface FileNames {
  /** Where the phone has it; only to be shown. */
  readonly devicePath: string
  readonly hostPath: string
}

/** One file of a stream, from its first block to its end. */
export interface UploadFile {
  /** At least one byte. */
  data(block: Uint8Array): Promise<void>
  /** Code 0 and no text unless the file broke off. */
  end(code?: number, text?: string): void
}

/**
 * The stream of files after DLMessageUploadFiles: per file two names, blocks and a final code; an empty frame at the end.
 * Frames are gathered, so that a thousand tiny files do not cost a thousand writes.
 * Source: docs/protocol/mobilebackup2.md#upload
 */
export class UploadStream {
  readonly #link: DeviceLink
  readonly #options: WaitOptions
  #pending: Uint8Array[] = []
  #pendingBytes = 0

  /** `announcement` is the frame of the message that begins the stream; it leaves together with the first files. */
  constructor(link: DeviceLink, announcement: readonly Uint8Array[], options: WaitOptions) {
    this.#link = link
    this.#options = options
    for (const part of announcement) this.#push(part)
  }

  /** The next file. Its names are written with its first block or its end, so that a file that is gone leaves no trace. */
  file(names: FileNames): UploadFile {
    let isNamed = false
    const name = () => {
      if (!isNamed) this.#pushNames(names)
      isNamed = true
    }
    return {
      data: (block) => {
        name()
        return this.#pushBlock(block)
      },
      end: (code = 0, text = '') => {
        name()
        this.#pushEnd(code, text)
      },
    }
  }

  #pushNames({ devicePath, hostPath }: FileNames): void {
    for (const name of [devicePath, hostPath]) {
      const bytes = Buffer.from(name)
      this.#push(frameHead(bytes.length))
      this.#push(bytes)
    }
  }

  async #pushBlock(block: Uint8Array): Promise<void> {
    const head = new Uint8Array(5)
    head.set(frameHead(block.length + 1))
    head[4] = DATA_CODE
    this.#push(head)
    this.#push(block)
    if (this.#pendingBytes >= PENDING_BYTES_MAX) await this.#flush()
  }

  #pushEnd(code: number, text: string): void {
    const bytes = Buffer.from(text)
    this.#push(frameHead(bytes.length + 1))
    this.#push(Uint8Array.of(code))
    if (bytes.length > 0) this.#push(bytes)
  }

  /** Ends the stream; the host's status follows. */
  async end(): Promise<void> {
    this.#push(frameHead(0))
    await this.#flush()
  }

  #push(bytes: Uint8Array): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes)
    this.#pending = []
    this.#pendingBytes = 0
    await this.#link.sendRaw(bytes, this.#options)
  }
}
