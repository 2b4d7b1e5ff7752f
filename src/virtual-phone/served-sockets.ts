import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WaitOptions, wireClosed } from '../base/channel.ts'
import { isAppError } from '../base/errors.ts'

/**
 * The sockets that a server has accepted and serves now. Disposing ends them all. It rejects if a client ever met a mistake of
 * ours (not of its own).
 */
export class ServedSockets implements AsyncDisposable {
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  readonly #sockets = new Set<Socket>()
  readonly #running = new Set<Promise<void>>()
  #mistake: unknown

  constructor({ signal }: WaitOptions) {
    this.#signal = AbortSignal.any([signal, this.#closing.signal])
  }

  /** Owns the socket. With nobody to serve it, it is reset, as if nothing listened. */
  serve(socket: Socket, serve: ((stream: Duplex, options: WaitOptions) => Promise<void>) | undefined): void {
    if (serve === undefined) return void socket.resetAndDestroy()
    this.#sockets.add(socket)
    // Whoever serves the connection sees the error too; this keeps one that comes between two owners from ending the process.
    socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket))
    socket.setNoDelay(true)
    const running = this.#run(() => serve(socket, { signal: this.#signal })).finally(() =>
      this.#running.delete(running),
    )
    this.#running.add(running)
  }

  async #run(serve: () => Promise<void>): Promise<void> {
    try {
      await serve()
    } catch (error) {
      if (!isAppError(error) && !this.#signal.aborted) this.#mistake ??= error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(wireClosed('The server was closed'))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#running)
    if (this.#mistake !== undefined) throw this.#mistake
  }
}
