import { type WaitOptions, wireClosed } from '../../base/channel.ts'
import { boolOf, numberOf } from '../../plist/index.ts'
import { LOCKDOWN_PORT } from '../lockdown/lockdownd.ts'
import type { Answer, Asking } from '../lockdown/requests.ts'
import type { ServeConnection } from '../mux/hub.ts'
import type { VirtualPhone } from '../phone.ts'
import type { NetworkLink } from '../services/service.ts'
import { answerOverWifi } from './answer-over-wifi.ts'
import { type HostConnection, HostConnections } from './host-connections.ts'
import type { ServiceDoors } from './service-doors.ts'

const WIRELESS = 'com.apple.mobile.wireless_lockdown'
const SWITCH = 'EnableWifiConnections'

/** What a phone does for hosts on the network, however their connections come in; its connections end when that is switched off. */
export class NetworkSide implements Disposable {
  readonly #phone: VirtualPhone
  readonly #doors: ServiceDoors
  readonly #connections: HostConnections
  readonly #leaving = new AbortController()
  readonly #signal: AbortSignal

  constructor(phone: VirtualPhone, doors: ServiceDoors, { signal }: WaitOptions) {
    this.#phone = phone
    this.#doors = doors
    this.#connections = new HostConnections(phone.clock)
    this.#signal = AbortSignal.any([signal, this.#leaving.signal])
  }

  /** Is the phone on the network, and lets hosts in? */
  get isOn(): boolean {
    if (this.#signal.aborted) return false
    return boolOf(this.#phone.values.get(WIRELESS, SWITCH)) ?? false
  }

  /** Calls back, and ends all connections if it was switched off. The returned function ends that. */
  whenSwitched(tell: () => void): () => void {
    return this.#phone.values.changes.add(({ domain, key }) => {
      if (domain !== WIRELESS || key !== SWITCH) return
      if (!this.isOn) this.#connections.cutAll(wireClosed('Connections over Wi-Fi were switched off'))
      tell()
    })
  }

  /** What serves a connection to that port, as `PhoneOnMux` has it; a port of StartService is used up by asking. */
  connect(port: number): ServeConnection | undefined {
    if (!this.isOn) return undefined
    return port === LOCKDOWN_PORT ? this.#lockdown() : this.#doors.claim(port)
  }

  #lockdown(): ServeConnection | undefined {
    const serve = this.#phone.connect(LOCKDOWN_PORT)
    if (serve === undefined) return undefined
    return async (stream, options) => {
      await using connection = this.#open(undefined, options)
      const answer = (asking: Asking) => this.#answer(asking, connection)
      await serve(stream, { signal: connection.signal, answer })
    }
  }

  /** A session tells whose the connection is; a port of StartService is made reachable over the network. */
  async #answer(asking: Asking, connection: HostConnection): Promise<Answer> {
    const answer = answerOverWifi(asking)
    if (typeof answer.session === 'object') connection.belongTo(answer.session.pairing.hostId)
    const port = numberOf(answer.keys?.Port)
    if (port === undefined) return answer
    const hostId = asking.session?.pairing.hostId
    return { ...answer, keys: { ...answer.keys, Port: await this.#doors.open(() => this.#service(port, hostId)) } }
  }

  #service(port: number, hostId: string | undefined): ServeConnection | undefined {
    const serve = this.isOn ? this.#phone.connect(port) : undefined
    if (serve === undefined) return undefined
    return async (stream, options) => {
      await using connection = this.#open(hostId, options)
      await serve(stream, { signal: connection.signal, link: this.#linkOf(connection) })
    }
  }

  #open(hostId: string | undefined, { signal }: WaitOptions): HostConnection {
    return this.#connections.add(hostId, { signal: AbortSignal.any([signal, this.#signal]) })
  }

  #linkOf(connection: HostConnection): NetworkLink {
    return {
      beats: () => {
        connection.isHeartbeat = true
      },
      cutHost: (reason) => connection.hostId !== undefined && this.#connections.cutHost(connection.hostId, reason),
    }
  }

  [Symbol.dispose](): void {
    this.#leaving.abort(wireClosed(`The phone ${this.#phone.udid} left the network`))
  }
}
