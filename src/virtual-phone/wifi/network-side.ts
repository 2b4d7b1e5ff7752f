import { type WaitOptions, wireClosed } from '../../base/channel.ts'
import { boolOf } from '../../plist/index.ts'
import { LOCKDOWN_PORT } from '../lockdown/lockdownd.ts'
import type { ServeConnection } from '../mux/hub.ts'
import type { VirtualPhone } from '../phone.ts'
import { type HostConnection, HostConnections } from './host-connections.ts'
import { serveLockdownOverWifi } from './lockdown-over-wifi.ts'
import type { ServiceDoors } from './service-doors.ts'

const WIRELESS = 'com.apple.mobile.wireless_lockdown'
const SWITCH = 'EnableWifiConnections'

/** What a phone does for hosts on the network, however their connections come in; its connections end when that is switched off. */
export class NetworkSide implements Disposable {
  readonly #phone: VirtualPhone
  readonly #doors: ServiceDoors
  readonly #connections = new HostConnections()
  readonly #leaving = new AbortController()
  readonly #signal: AbortSignal

  constructor(phone: VirtualPhone, doors: ServiceDoors, { signal }: WaitOptions) {
    this.#phone = phone
    this.#doors = doors
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

  #lockdown(): ServeConnection {
    return this.#phone.tracked(async (stream, { signal }) => {
      using connection = this.#open(undefined, { signal })
      const lockdown = {
        phone: this.#phone.lockdown,
        onHost: (hostId: string) => connection.belongTo(hostId),
        openPort: (port: number, hostId: string | undefined) => this.#doors.open(() => this.#service(port, hostId)),
      }
      await serveLockdownOverWifi(stream, lockdown, { signal: connection.signal })
    })
  }

  #service(port: number, hostId: string | undefined): ServeConnection | undefined {
    const serve = this.isOn ? this.#phone.connectService(port, { cutHost: this.#cutterOf(hostId) }) : undefined
    if (serve === undefined) return undefined
    return async (stream, { signal }) => {
      using connection = this.#open(hostId, { signal })
      await serve(stream, { signal: connection.signal })
    }
  }

  #open(hostId: string | undefined, { signal }: WaitOptions): HostConnection {
    return this.#connections.add(hostId, { signal: AbortSignal.any([signal, this.#signal]) })
  }

  #cutterOf(hostId: string | undefined): (() => void) | undefined {
    if (hostId === undefined) return undefined
    return () =>
      this.#connections.cutHost(hostId, wireClosed('The computer does not answer heartbeats, or the phone sleeps'))
  }

  [Symbol.dispose](): void {
    this.#leaving.abort(wireClosed(`The phone ${this.#phone.udid} left the network`))
  }
}
