import type { Clock } from '../../base/clock.ts'

const FIRST_PORT = 49152
const LAST_PORT = 65535

/** How long a started service waits for its connection. No source says; a host connects within milliseconds. */
export const PORT_LIFETIME_MS = 60_000

/** Services that wait for their connection at the same time; above it lockdownd says `ServiceLimit`. */
export const PORTS_WAITING_MAX = 128

interface Waiting<Service> {
  readonly service: Service
  readonly closesAtMs: number
}

/** The ports that StartService handed out: each serves one connection, and only for a while. */
export class ServicePorts<Service> {
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting<Service>>()
  #next = FIRST_PORT

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined when too many services wait already. */
  open(service: Service): number | undefined {
    this.#closeLate()
    if (this.#waiting.size >= PORTS_WAITING_MAX) return undefined
    const port = this.#takePort()
    this.#waiting.set(port, { service, closesAtMs: this.#clock.elapsedMs() + PORT_LIFETIME_MS })
    return port
  }

  /** The service behind the port, which is closed by that; undefined if nothing listens there. */
  claim(port: number): Service | undefined {
    this.#closeLate()
    const service = this.#waiting.get(port)?.service
    this.#waiting.delete(port)
    return service
  }

  /** Nobody is waited for any more. */
  closeAll(): void {
    this.#waiting.clear()
  }

  #takePort(): number {
    while (this.#waiting.has(this.#next)) this.#advance()
    const port = this.#next
    this.#advance()
    return port
  }

  #advance(): void {
    this.#next = this.#next === LAST_PORT ? FIRST_PORT : this.#next + 1
  }

  #closeLate(): void {
    const now = this.#clock.elapsedMs()
    for (const [port, { closesAtMs }] of this.#waiting) if (closesAtMs <= now) this.#waiting.delete(port)
  }
}
