import { once } from 'node:events'
import { rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { isSystemError } from '../../base/errors.ts'
import { type ListenAddress, listenOn } from '../listen-on.ts'
import { ServedSockets } from '../served-sockets.ts'
import { serveMuxClient } from './client.ts'
import { MuxHub, type PhoneOnMux } from './hub.ts'
import type { AddressLayout } from './network-address.ts'

/** More are refused, so that a client that opens connections for ever does not use up the process's files. */
const CONNECTIONS_MAX = 500

export interface MuxServerOptions {
  /** Attached from the start. The server does not own them: dispose it first, then the phones. */
  readonly phones: readonly PhoneOnMux[]
  /** The path of a Unix socket may be that of one which nobody listens on any more. */
  readonly listen: ListenAddress
  /** How the addresses of phones on the network are told: `bsd` unless given, which libimobiledevice 1.3.0 needs. */
  readonly networkAddressLayout?: AddressLayout
  /** Aborting ends all connections, as disposing does. */
  readonly signal: AbortSignal
}

/**
 * A usbmuxd made of software. It keeps pair records in memory, as usbmuxd keeps them for its hosts.
 * Disposing ends all connections. It rejects if a client ever met a mistake of ours (not of its own), so that no test passes
 * over one; the server itself survives both.
 */
export interface MuxServer extends AsyncDisposable {
  /** As libimobiledevice takes it in USBMUXD_SOCKET_ADDRESS: `127.0.0.1:1234`, `[::1]:1234` or `UNIX:/path`. */
  readonly address: string
  /** Plugs a phone in and returns its device ID, which is new each time. Throws `virtual-phone.attached-twice`. */
  attach(phone: PhoneOnMux): number
  /** Pulls the cable: all connections of the phone end. Nothing happens if it is not attached. */
  detach(phone: PhoneOnMux): void
}

/** Throws `virtual-phone.not-listening` when the address cannot be had, and `virtual-phone.attached-twice`. */
export async function openMuxServer(options: MuxServerOptions): Promise<MuxServer> {
  const { phones, listen, networkAddressLayout = 'bsd', signal } = options
  signal.throwIfAborted()
  const hub = new MuxHub({ networkAddressLayout })
  for (const phone of phones) hub.attach(phone)
  const server = createServer()
  server.maxConnections = CONNECTIONS_MAX
  const clients = new ServedSockets({ signal })
  server.on('connection', (socket) => clients.serve(socket, (stream, options) => serveMuxClient(stream, hub, options)))
  if ('path' in listen) await removeDeadSocket(listen.path)
  await listenOn(server, listen, { signal })
  return {
    address: addressOf(server),
    attach: (phone) => hub.attach(phone),
    detach: (phone) => hub.detach(phone),
    async [Symbol.asyncDispose]() {
      server.close()
      await clients[Symbol.asyncDispose]()
    },
  }
}

/**
 * A socket that nobody listens on was left by a process that was killed; one that somebody does, and anything else, stays.
 * What cannot be removed is still there when the server is to listen, which then fails.
 */
async function removeDeadSocket(path: string): Promise<void> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    if (isSystemError(error, 'ECONNREFUSED')) await removeSocket(path).catch(() => undefined)
  } finally {
    socket.destroy()
  }
}

async function removeSocket(path: string): Promise<void> {
  if ((await stat(path)).isSocket()) await rm(path)
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return `UNIX:${address}`
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
}
