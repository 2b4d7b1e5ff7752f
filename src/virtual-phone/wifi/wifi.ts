import { createServer, isIPv4 } from 'node:net'
import type { WaitOptions } from '../../base/channel.ts'
import { notListening } from '../errors.ts'
import { listenOn, portOf } from '../listen-on.ts'
import { LOCKDOWN_PORT } from '../lockdown/lockdownd.ts'
import type { PhoneOnMux } from '../mux/hub.ts'
import type { VirtualPhone } from '../phone.ts'
import { ServedSockets } from '../served-sockets.ts'
import { type Advert, instanceName } from './advert.ts'
import { type AdvertKind, createNames } from './names.ts'
import { NetworkSide } from './network-side.ts'
import { openResponder, type Responder } from './responder.ts'
import { ServiceDoors } from './service-doors.ts'

/** More are refused, so that a host that opens connections for ever does not use up the process's files. */
const CONNECTIONS_MAX = 500

export interface WifiOptions extends WaitOptions {
  /** IPv4, of this machine; 127.0.0.1 unless given. */
  readonly address?: string
  /** Where lockdownd listens: 62078 on a real phone, any free port unless given. */
  readonly port?: number
  /** The UDP port for multicast DNS, 5353 on a real network. Unless given, the phone is not advertised. */
  readonly mdnsPort?: number
  /** As the phone's version of iOS does it, unless given. */
  readonly advert?: AdvertKind
}

/** A phone on the network. Attached to a mux server, it is there as a `Network` device, beside the one on the cable. */
export interface WifiPhone extends PhoneOnMux, AsyncDisposable {
  readonly address: string
  /** Where lockdownd listens. */
  readonly port: number
}

/**
 * Puts a phone on the network: lockdownd and its services listen on TCP, and multicast DNS tells of it, for as long as
 * lockdownd's `EnableWifiConnections` is true. Disposing says goodbye and ends all connections (abort does the latter alone);
 * do it before disposing the phone, which is not owned. Throws `virtual-phone.not-listening`. Source: docs/protocol/wifi.md
 */
export async function openWifi(phone: VirtualPhone, options: WifiOptions): Promise<WifiPhone> {
  const { address = '127.0.0.1', mdnsPort, signal } = options
  signal.throwIfAborted()
  if (!isIPv4(address)) throw notListening(address, new Error('it is no IPv4 address'))
  await using opened = new AsyncDisposableStack()
  const sockets = opened.use(new ServedSockets({ signal }))
  const doors = opened.use(new ServiceDoors({ address, clock: phone.clock, sockets }))
  const side = opened.use(new NetworkSide(phone, doors, { signal }))
  const responder = mdnsPort === undefined ? undefined : await openResponder({ port: mdnsPort, address, signal })
  if (responder !== undefined) opened.use(responder)
  const server = createServer((socket) => sockets.serve(socket, side.connect(LOCKDOWN_PORT)))
  server.maxConnections = CONNECTIONS_MAX
  opened.defer(() => void server.close())
  await listenOn(server, { host: address, port: options.port ?? 0 }, { signal })
  const port = portOf(server)
  const names = createNames(phone, options.advert)
  const network = { address, serviceName: `${instanceName(names)}.` }
  phone.values.set('com.apple.mobile.wireless_lockdown', 'BonjourFullServiceName', network.serviceName)
  const advert = () => ({ ...names, address, port, txt: names.txt() })
  opened.use(keepAdvertised(phone, { side, responder, advert }))
  const rest = opened.move()
  return {
    udid: phone.udid,
    productId: phone.productId,
    address,
    port,
    network,
    connect: (wanted) => side.connect(wanted),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

/** Tells the network of the phone, now and after every change; disposing ends that, without a goodbye. */
function keepAdvertised(
  phone: VirtualPhone,
  { side, responder, advert }: { side: NetworkSide; responder: Responder | undefined; advert: () => Advert },
): Disposable {
  const show = () => (side.isOn ? responder?.announce(advert()) : responder?.withdraw())
  show()
  const following = new DisposableStack()
  following.defer(phone.pairings.changes.add(show))
  following.defer(side.whenSwitched(show))
  return following
}
