import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { actAfter } from './clock.ts'
import { AppError } from './errors.ts'

export type WireErrorCode = 'wire.closed' | 'wire.bad-frame'

/** The other end said something that the protocol does not allow. Ends the session: nothing resynchronises by guessing. */
export function badFrame(saw: string, cause?: unknown): AppError<WireErrorCode> {
  return new AppError('wire.bad-frame', saw, {
    remedy: 'Disconnect the phone, connect it again and retry; if it stays so, report it with this message',
    cause,
  })
}

/** The connection ended where more bytes were due. */
export function wireClosed(saw: string, cause?: unknown): AppError<WireErrorCode> {
  return new AppError('wire.closed', saw, {
    remedy: 'Check the cable or the Wi-Fi, keep the phone near, and start again: what was sent is not lost',
    cause,
  })
}

export interface WaitOptions {
  /** Aborting a read or write destroys the channel, since a half-read message cannot be resumed. */
  readonly signal: AbortSignal
}

/**
 * Bytes both ways, pulled: nothing is read from the other end before somebody asks for it, so a slow disk slows the phone.
 * One reader and one writer at a time. Disposing ends the connection after what was written has left.
 */
export interface ByteChannel extends AsyncDisposable {
  /** Exactly that many bytes. Throws `wire.closed` when the other end stops earlier. */
  readExactly(size: number, options: WaitOptions): Promise<Uint8Array>
  /** What has arrived: at least one byte and at most `sizeMax`; undefined when the other end has finished. */
  readSome(sizeMax: number, options: WaitOptions): Promise<Uint8Array | undefined>
  /** Resolves when there is room for more. The bytes belong to the channel from now on: do not change them. */
  write(bytes: Uint8Array | readonly Uint8Array[], options: WaitOptions): Promise<void>
  /** Gives the stream back, with every byte that nobody has read still in it (for starting TLS on it). Ends this channel. */
  detach(): Duplex
}

/** The other end may read what was written last for so long after the channel was disposed. */
const FAREWELL_MS_MAX = 5_000

/** A channel over a socket, TLS socket or any duplex stream. The channel owns the stream until `detach()`. */
export function openChannel(stream: Duplex): ByteChannel {
  return new StreamChannel(stream)
}

class StreamChannel implements ByteChannel {
  readonly #stream: Duplex
  readonly #waiters = new Set<() => void>()
  #failure: Error | undefined
  #reading = false

  readonly #wake = () => {
    for (const waiter of this.#waiters) waiter()
  }
  readonly #fail = (error: Error) => {
    this.#failure ??= error
    this.#wake()
  }

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('readable', this.#wake).on('drain', this.#wake).on('close', this.#wake).on('end', this.#wake)
    stream.on('error', this.#fail)
  }

  async readExactly(size: number, { signal }: WaitOptions): Promise<Uint8Array> {
    const bytes = await this.#read(signal, () => (size === 0 ? new Uint8Array(0) : this.#stream.read(size)))
    if (bytes?.length === size) return bytes
    throw wireClosed(`The connection ended after ${bytes?.length ?? 0} of ${size} bytes`, this.#failure)
  }

  async readSome(sizeMax: number, { signal }: WaitOptions): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(signal, () =>
      this.#stream.read(Math.min(sizeMax, this.#stream.readableLength || sizeMax)),
    )
    if (bytes === undefined && this.#failure !== undefined) throw wireClosed('The connection broke', this.#failure)
    return bytes
  }

  async #read(signal: AbortSignal, take: () => Uint8Array | null): Promise<Uint8Array | undefined> {
    assert(!this.#reading, 'A channel has one reader at a time')
    this.#reading = true
    try {
      for (;;) {
        this.#throwIfAborted(signal)
        const bytes = take()
        if (bytes !== null) return bytes
        if (this.#stream.readableEnded || this.#stream.destroyed) return undefined
        await this.#change(signal)
      }
    } finally {
      this.#reading = false
    }
  }

  async write(bytes: Uint8Array | readonly Uint8Array[], { signal }: WaitOptions): Promise<void> {
    this.#throwIfAborted(signal)
    if (!this.#stream.writable) throw wireClosed('The connection is closed', this.#failure)
    const roomLeft = bytes instanceof Uint8Array ? this.#stream.write(bytes) : this.#writeAll(bytes)
    if (roomLeft) return
    while (this.#stream.writableNeedDrain) {
      if (this.#failure !== undefined || this.#stream.destroyed) throw wireClosed('The connection broke', this.#failure)
      await this.#change(signal)
    }
  }

  #writeAll(pieces: readonly Uint8Array[]): boolean {
    this.#stream.cork()
    let roomLeft = true
    for (const piece of pieces) roomLeft = this.#stream.write(piece)
    this.#stream.uncork()
    return roomLeft
  }

  detach(): Duplex {
    assert(!this.#reading, 'A channel cannot be detached in the middle of a read')
    this.#stream.off('readable', this.#wake).off('drain', this.#wake).off('close', this.#wake).off('end', this.#wake)
    this.#stream.off('error', this.#fail)
    return this.#stream
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stream.destroyed) return
    const patience = actAfter(FAREWELL_MS_MAX, () => this.#stream.destroy())
    this.#stream.once('close', () => patience[Symbol.dispose]())
    this.#stream.end(() => this.#stream.destroy())
    if (this.#stream instanceof Socket) this.#stream.unref()
  }

  #throwIfAborted(signal: AbortSignal): void {
    if (!signal.aborted) return
    this.#stream.destroy()
    throw signal.reason
  }

  /** Waits until anything at all happened to the stream. */
  async #change(signal: AbortSignal): Promise<void> {
    const happened = Promise.withResolvers<void>()
    const wake = () => happened.resolve()
    this.#waiters.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      await happened.promise
    } finally {
      this.#waiters.delete(wake)
      signal.removeEventListener('abort', wake)
    }
    this.#throwIfAborted(signal)
  }
}
