import { constants, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { equalBytes } from '../../base/bytes.ts'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { openChannel } from '../../base/channel.ts'
import type { AppError } from '../../base/errors.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { deviceError, notPaired } from '../errors.ts'
import type { PairRecord } from '../pairing/pair-record.ts'

/** Before iOS 10 phones speak TLS 1.0 with short keys and old renegotiation. */
export type TlsAge = 'current' | 'legacy'

const LEGACY: ConnectionOptions = {
  minVersion: 'TLSv1',
  ciphers: 'DEFAULT@SECLEVEL=0',
  secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
}

/**
 * Starts TLS on a stream to a phone, showing the host's certificate. The phone must show the very certificate that was made
 * for it at pairing, and so prove its private key: ordinary chain checks cannot work, as these certificates have no names.
 * Nothing is sent over the connection before. Owns the channel, also when it fails: `device.not-paired` when the phone hangs
 * up (it forgot this host), `device.wrong-certificate`, `device.tls-failed`. Source: docs/protocol/lockdown.md.
 */
export async function secureChannel(
  channel: ByteChannel,
  record: PairRecord,
  { age, signal }: WaitOptions & { readonly age: TlsAge },
): Promise<ByteChannel> {
  const stream = channel.detach()
  try {
    return openChannel(await shakeHands(stream, record, { age, signal }))
  } catch (error) {
    stream.destroy()
    signal.throwIfAborted()
    throw isAppError(error) || !isSystemError(error) ? error : fromTls(error)
  }
}

async function shakeHands(
  stream: Duplex,
  record: PairRecord,
  { age, signal }: WaitOptions & { readonly age: TlsAge },
): Promise<TLSSocket> {
  if (stream.destroyed) throw hungUp()
  const socket = connect({
    socket: stream,
    cert: record.hostCertificate,
    key: record.hostPrivateKey.reveal(),
    rejectUnauthorized: false,
    ...(age === 'legacy' && LEGACY),
  }).on('error', () => undefined)
  const hangUp = () => socket.destroy(hungUp())
  try {
    // An end that came before TLS took over is still in the stream, which tells of it only when it is read from.
    stream.once('end', hangUp).read(0)
    await once(socket, 'secureConnect', { signal })
    checkPhone(socket, record)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    stream.off('end', hangUp)
  }
}

function checkPhone(socket: TLSSocket, record: PairRecord): void {
  const shown = socket.getPeerX509Certificate()?.raw
  if (shown !== undefined && equalBytes(shown, new X509Certificate(record.deviceCertificate).raw)) return
  throw deviceError(
    'device.wrong-certificate',
    'What answers is not the phone that was paired: its certificate differs',
    {
      remedy: 'Connect the phone by cable and pair it again; if this is seen over Wi-Fi only, somebody may pose as it',
    },
  )
}

function fromTls(error: NodeJS.ErrnoException): Error {
  const isRefusal = /_ALERT_(?!.*(PROTOCOL_VERSION|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY))/.test(error.code ?? '')
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || isRefusal) {
    return hungUp(error)
  }
  return deviceError('device.tls-failed', `The secure connection to the phone failed: ${error.message}`, {
    remedy: 'Restart the phone and try again; if it stays so, pair it again',
    cause: error,
  })
}

function hungUp(cause?: unknown): AppError {
  return notPaired('The phone hung up when this computer identified itself', cause)
}
