import { type ByteChannel, type WaitOptions, wireClosed } from '../base/channel.ts'

/**
 * Sends frames to a peer in order, for senders that do not wait (events). At most `framesMax` frames wait for a slow peer; one
 * more aborts the outbox's own signal, as the peer is not reading.
 */
export class Outbox {
  /** Read from the channel with this signal: it fires with the given one, and when the peer does not take its frames. */
  readonly signal: AbortSignal
  readonly #channel: ByteChannel
  readonly #framesMax: number
  readonly #overflow = new AbortController()
  #waiting = 0
  #sent: Promise<void> = Promise.resolve()

  constructor(channel: ByteChannel, { signal, framesMax }: WaitOptions & { framesMax: number }) {
    this.#channel = channel
    this.#framesMax = framesMax
    this.signal = AbortSignal.any([signal, this.#overflow.signal])
  }

  post(frame: Uint8Array): void {
    if (this.#waiting === this.#framesMax) {
      this.#overflow.abort(wireClosed(`The other end does not read: ${this.#waiting} messages wait for it`))
      return
    }
    this.#waiting++
    this.#sent = this.#sent.then(() => this.#send(frame))
  }

  /** Resolves when everything posted so far has been written, or never will be. */
  async flush(): Promise<void> {
    await this.#sent
  }

  async #send(frame: Uint8Array): Promise<void> {
    try {
      await this.#channel.write(frame, { signal: this.signal })
    } catch {
      // Whoever reads from this channel sees the same end, and reports it.
    } finally {
      this.#waiting--
    }
  }
}
