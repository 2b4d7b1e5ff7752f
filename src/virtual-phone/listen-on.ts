import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:net'
import type { WaitOptions } from '../base/channel.ts'
import { notListening } from './errors.ts'

/** A TCP address (port 0: any free one), or the path of a Unix socket. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** Resolves when the server listens. Throws `virtual-phone.not-listening`; then, and on abort, the server is closed. */
export async function listenOn(server: Server, at: ListenAddress, { signal }: WaitOptions): Promise<void> {
  try {
    server.listen(at)
    await once(server, 'listening', { signal })
  } catch (error) {
    server.close()
    signal.throwIfAborted()
    throw notListening('path' in at ? at.path : `${at.host}:${at.port}`, error)
  }
}

/** Of a server that listens on TCP. */
export function portOf(server: Server): number {
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  return address.port
}
