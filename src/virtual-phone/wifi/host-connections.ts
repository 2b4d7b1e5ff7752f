import { type WaitOptions, wireClosed } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'

/** How long a connection may be open before its host must have a heartbeat. Source: docs/protocol/wifi.md#heartbeat */
const WITHOUT_HEARTBEAT_MS_MAX = 30_000

/** The connections that are open over the network, and whose they are. */
export class HostConnections {
  readonly #clock: Clock
  readonly #open = new Set<HostConnection>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Dispose it when the connection has ended. The host of a connection to lockdownd is known when its session begins. */
  add(hostId: string | undefined, { signal }: WaitOptions): HostConnection {
    const connection = new HostConnection({
      signal,
      watch: (host, options) => this.#watch(host, options),
      onEnd: () => this.#open.delete(connection),
    })
    this.#open.add(connection)
    if (hostId !== undefined) connection.belongTo(hostId)
    return connection
  }

  cutHost(hostId: string, reason: Error): void {
    for (const connection of this.#open) if (connection.hostId === hostId) connection.cut(reason)
  }

  cutAll(reason: Error): void {
    for (const connection of this.#open) connection.cut(reason)
  }

  /** Looks again and again whether the host has a heartbeat, until the signal, and cuts it when it has none. */
  async #watch(hostId: string, { signal }: WaitOptions): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(WITHOUT_HEARTBEAT_MS_MAX, { signal }).catch(() => undefined)
      const hasHeartbeat = [...this.#open].some((other) => other.hostId === hostId && other.isHeartbeat)
      if (!signal.aborted && !hasHeartbeat) this.cutHost(hostId, wireClosed('The computer has no heartbeat'))
    }
  }
}

interface HostConnectionOptions extends WaitOptions {
  readonly watch: (hostId: string, options: WaitOptions) => Promise<void>
  readonly onEnd: () => void
}

export class HostConnection implements AsyncDisposable {
  /** Fires with the given one, and when the connection is cut or disposed. */
  readonly signal: AbortSignal
  /** It is the one on which the host says that it is there. */
  isHeartbeat = false
  readonly #options: HostConnectionOptions
  readonly #abort = new AbortController()
  #hostId: string | undefined
  #watching: Promise<void> | undefined

  constructor(options: HostConnectionOptions) {
    this.#options = options
    this.signal = AbortSignal.any([options.signal, this.#abort.signal])
  }

  get hostId(): string | undefined {
    return this.#hostId
  }

  /** From now on the host is expected to have a heartbeat. */
  belongTo(hostId: string): void {
    this.#hostId = hostId
    this.#watching ??= this.#options.watch(hostId, { signal: this.signal })
  }

  cut(reason: Error): void {
    this.#abort.abort(reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.onEnd()
    this.cut(wireClosed('The connection is over'))
    await this.#watching
  }
}
