import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { orAbort } from '../../base/abort.ts'
import { equalBytes } from '../../base/bytes.ts'
import { badFrame, type WaitOptions, wireClosed } from '../../base/channel.ts'
import type { Pairing } from './pairings.ts'

/** A connection in TLS, and which of its two certificates the computer has shown. */
export interface SecureStream {
  /** Owns the stream under it. */
  readonly stream: TLSSocket
  readonly certificate: 'host' | 'root'
}

/**
 * Starts TLS with the phone as the server, and checks that the computer is the one of this pairing: the certificate it shows
 * must be, byte for byte, one of the two it gave when it was paired (names are empty, so there is no chain to build).
 * Abort or failure: the stream is destroyed. Source: docs/protocol/lockdown.md#tls
 */
export async function startTls(stream: Duplex, pairing: Pairing, { signal }: WaitOptions): Promise<SecureStream> {
  signal.throwIfAborted()
  if (stream.destroyed) throw wireClosed('The connection ended before TLS was set up')
  const tls = new TLSSocket(stream, {
    isServer: true,
    requestCert: true,
    rejectUnauthorized: false,
    secureContext: pairing.secureContext,
  })
  try {
    await orAbort(handshake(tls, stream), signal)
    const certificate = certificateShown(tls, pairing)
    if (certificate === undefined) {
      throw badFrame(`The computer ${pairing.hostId} shows a certificate that is not its own`)
    }
    return { stream: tls, certificate }
  } catch (error) {
    tls.destroy()
    throw error
  }
}

/** Undefined for any other certificate, and for none. */
function certificateShown(tls: TLSSocket, { hostCertificates }: Pairing): 'host' | 'root' | undefined {
  const { raw } = tls.getPeerCertificate()
  const index = hostCertificates.findIndex((known) => raw !== undefined && equalBytes(known, raw))
  return (['host', 'root'] as const)[index]
}

function handshake(tls: TLSSocket, stream: Duplex): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (error?: unknown) => reject(wireClosed('The connection ended while TLS was being set up', error))
  tls
    .once('secure', resolve)
    .on('error', fail)
    .once('close', () => fail())
  // An end that came before TLS took over is still in the stream, which tells of it only when it is read from.
  stream.once('end', () => fail()).read(0)
  return promise
}
