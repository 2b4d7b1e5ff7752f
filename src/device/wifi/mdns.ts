import multicastDns from 'multicast-dns'
import type { AppError } from '../../base/errors.ts'
import { isSystemError } from '../../base/errors.ts'
import { deviceError } from '../errors.ts'
import type { MdnsQuestion, Sender } from './adverts.ts'
import type { Link } from './links.ts'
import { linksOf } from './links.ts'
import type { MdnsRecord } from './mdns-records.ts'
import { parseRecords } from './mdns-records.ts'
import type { WifiPlace } from './wifi-place.ts'

type Socket = multicastDns.MulticastDNS

const INTERFACES_MAX = 16

export interface MdnsHandlers {
  /** One packet's records; called for answers from neighbours only, and perhaps several times for one packet. */
  readonly onRecords: (records: readonly MdnsRecord[], sender: Sender) => void
  /** `device.no-mdns`: nothing can be heard. Told once. */
  readonly onProblem: (problem: AppError) => void
}

/**
 * Listens for mDNS answers, and asks, on every network of a place; networks that come and go are followed whenever something
 * is asked. Disposing closes its sockets.
 */
export class MdnsListener implements AsyncDisposable {
  readonly #place: WifiPlace
  readonly #handlers: MdnsHandlers
  readonly #sockets = new Map<string, Socket>()
  #links: readonly Link[] = []
  #isDeaf = false

  constructor(place: WifiPlace, handlers: MdnsHandlers) {
    this.#place = place
    this.#handlers = handlers
  }

  /** Asks everybody; answers come to `onRecords`. What cannot be sent now is asked again by whoever asks again. */
  ask(questions: readonly MdnsQuestion[]): void {
    this.#follow()
    for (const socket of this.#sockets.values()) socket.query([...questions])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sockets.values().map(close))
    this.#sockets.clear()
  }

  #follow(): void {
    this.#links = linksOf()
    const { interfaces = this.#links.flatMap(({ addresses }) => addresses.slice(0, 1)) } = this.#place
    const wanted = interfaces.slice(0, INTERFACES_MAX)
    for (const [address, socket] of this.#sockets) if (!wanted.includes(address)) this.#drop(address, socket)
    for (const address of wanted) if (!this.#sockets.has(address)) this.#sockets.set(address, this.#open(address))
  }

  #open(address: string): Socket {
    const socket = multicastDns({
      port: this.#place.port,
      interface: address,
      bind: '0.0.0.0',
      loopback: true,
      reuseAddr: true,
    })
    // Warnings are of malformed packets, and of networks without multicast.
    socket.on('warning', () => undefined)
    socket.on('error', (error: Error) => this.#fail(error))
    socket.on('response', ({ answers = [], additionals = [] }, { address: from }) => {
      const link = this.#links.find((link) => link.has(from))
      if (link === undefined) return
      this.#handlers.onRecords(parseRecords([...answers, ...additionals]), { address: from, link })
    })
    return socket
  }

  #drop(address: string, socket: Socket): void {
    this.#sockets.delete(address)
    socket.destroy()
  }

  #fail(error: Error): void {
    if (this.#isDeaf) return
    this.#isDeaf = true
    this.#handlers.onProblem(deaf(this.#place.port, error))
  }
}

function close(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.destroy(resolve)
  return promise
}

function deaf(port: number, cause: Error): AppError {
  const why = isSystemError(cause) ? ` (${cause.code})` : ''
  return deviceError('device.no-mdns', `Phones on Wi-Fi cannot be heard: UDP port ${port} is not to be had${why}`, {
    remedy: 'Close the program that keeps the port for itself, or connect the phone with a cable',
    cause,
  })
}
