import type { WaitOptions } from '../../base/channel.ts'

/** The connections that are open over the network, and whose they are. */
export class HostConnections {
  readonly #open = new Set<HostConnection>()

  /** Dispose it when the connection has ended. The host of a connection to lockdownd is known when its session begins. */
  add(hostId: string | undefined, { signal }: WaitOptions): HostConnection {
    const connection = new HostConnection(hostId, { signal, onEnd: () => this.#open.delete(connection) })
    this.#open.add(connection)
    return connection
  }

  cutHost(hostId: string, reason: Error): void {
    for (const connection of this.#open) if (connection.isOf(hostId)) connection.cut(reason)
  }

  cutAll(reason: Error): void {
    for (const connection of this.#open) connection.cut(reason)
  }
}

export class HostConnection implements Disposable {
  /** Fires with the given one, and when the connection is cut. */
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  readonly #onEnd: () => void
  #hostId: string | undefined

  constructor(hostId: string | undefined, { signal, onEnd }: WaitOptions & { onEnd: () => void }) {
    this.#hostId = hostId
    this.signal = AbortSignal.any([signal, this.#abort.signal])
    this.#onEnd = onEnd
  }

  isOf(hostId: string): boolean {
    return this.#hostId === hostId
  }

  belongTo(hostId: string): void {
    this.#hostId = hostId
  }

  cut(reason: Error): void {
    this.#abort.abort(reason)
  }

  [Symbol.dispose](): void {
    this.#onEnd()
  }
}
