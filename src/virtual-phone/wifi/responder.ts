import makeMdns, { type MulticastDNS, type QueryPacket } from 'multicast-dns'
import { orAbort } from '../../base/abort.ts'
import type { WaitOptions } from '../../base/channel.ts'
import { notListening } from '../errors.ts'
import { type Advert, goodbyeOf, recordsOf, replyTo } from './advert.ts'

/** Questions in one packet that are looked at, and answers that wait to leave: a flood of questions costs no more than that. */
const QUESTIONS_MAX = 32
const ANSWERS_WAITING_MAX = 8

export interface ResponderOptions extends WaitOptions {
  /** UDP; 5353 on a real network. */
  readonly port: number
  /** IPv4, of the network interface. */
  readonly address: string
}

/**
 * Answers multicast DNS for one phone. Throws `virtual-phone.not-listening`. Disposing says goodbye and closes; packets that
 * are no DNS, or not questions for this phone, are ignored.
 */
export async function openResponder({ port, address, signal }: ResponderOptions): Promise<Responder> {
  signal.throwIfAborted()
  const isLoopback = address.startsWith('127.')
  const mdns = makeMdns({
    port,
    interface: isLoopback ? '127.0.0.1' : address,
    bind: '0.0.0.0',
    loopback: true,
    reuseAddr: true,
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  mdns.once('ready', resolve).on('error', reject)
  try {
    await orAbort(promise, signal)
  } catch (error) {
    mdns.destroy()
    signal.throwIfAborted()
    throw notListening(`UDP port ${port}`, error)
  }
  return new Responder(mdns)
}

export class Responder implements AsyncDisposable {
  readonly #mdns: MulticastDNS
  #advert: Advert | undefined
  #answersWaiting = 0

  constructor(mdns: MulticastDNS) {
    this.#mdns = mdns
    mdns.on('query', (query) => this.#answer(query))
  }

  /** Tells the network about the phone, or what has changed about it. Whether that arrives, nobody knows. */
  announce(advert: Advert): void {
    this.#advert = advert
    this.#mdns.respond([...recordsOf(advert)])
  }

  /** Tells the network that the phone has gone; nothing happens if it was not there. */
  withdraw(): void {
    if (this.#advert !== undefined) this.#mdns.respond([...goodbyeOf(this.#advert)])
    this.#advert = undefined
  }

  #answer({ questions = [] }: QueryPacket): void {
    if (this.#advert === undefined || this.#answersWaiting === ANSWERS_WAITING_MAX) return
    const reply = replyTo(questions.slice(0, QUESTIONS_MAX), this.#advert)
    if (reply === undefined) return
    this.#answersWaiting++
    this.#mdns.respond(reply, () => this.#answersWaiting--)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const close = () => this.#mdns.destroy(resolve)
    if (this.#advert === undefined) close()
    else this.#mdns.respond([...goodbyeOf(this.#advert)], close)
    await promise
  }
}
