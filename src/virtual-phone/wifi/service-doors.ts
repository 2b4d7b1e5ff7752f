import { createServer, type Server } from 'node:net'
import { NEVER } from '../../base/abort.ts'
import { type WaitOptions, wireClosed } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { listenOn, portOf } from '../listen-on.ts'
import { PORT_LIFETIME_MS } from '../lockdown/ports.ts'
import type { ServeConnection } from '../mux/hub.ts'
import type { ServedSockets } from '../served-sockets.ts'

interface Door {
  readonly server: Server
  readonly whoServes: WhoServes
  /** Ends the wait for the time when nobody came. */
  readonly closed: AbortController
}

/** Asked when somebody has come; undefined: nothing is there any more. */
export type WhoServes = () => ServeConnection | undefined

/** The ports of StartService on the network: each serves one connection, and waits for it as long as lockdownd says. */
export class ServiceDoors implements AsyncDisposable {
  readonly #address: string
  readonly #clock: Clock
  readonly #sockets: ServedSockets
  readonly #doors = new Map<number, Door>()
  readonly #waits = new Set<Promise<void>>()
  #isClosed = false

  constructor({ address, clock, sockets }: { address: string; clock: Clock; sockets: ServedSockets }) {
    this.#address = address
    this.#clock = clock
    this.#sockets = sockets
  }

  /** Listens on any free port, and tells which. Throws `wire.closed` when all were closed meanwhile. */
  async open(whoServes: WhoServes): Promise<number> {
    const server = createServer()
    await listenOn(server, { host: this.#address, port: 0 }, { signal: NEVER })
    const port = portOf(server)
    if (this.#isClosed) {
      server.close()
      throw wireClosed('The phone left the network')
    }
    const closed = new AbortController()
    this.#doors.set(port, { server, whoServes, closed })
    server.on('connection', (socket) => this.#sockets.serve(socket, this.claim(port)))
    const wait = this.#closeLate(port, { signal: closed.signal }).finally(() => this.#waits.delete(wait))
    this.#waits.add(wait)
    return port
  }

  /** What serves the port's one connection; nobody else gets in. */
  claim(port: number): ServeConnection | undefined {
    const door = this.#doors.get(port)
    this.#close(port)
    return door?.whoServes()
  }

  #close(port: number): void {
    const door = this.#doors.get(port)
    this.#doors.delete(port)
    door?.server.close()
    door?.closed.abort()
  }

  async #closeLate(port: number, { signal }: WaitOptions): Promise<void> {
    try {
      await this.#clock.sleep(PORT_LIFETIME_MS, { signal })
      this.#close(port)
    } catch {
      // It was closed in time.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const port of this.#doors.keys()) this.#close(port)
    await Promise.all(this.#waits)
  }
}
