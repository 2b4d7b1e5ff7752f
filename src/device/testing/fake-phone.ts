import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { TLSSocket } from 'node:tls'
import { NEVER } from '../../base/abort.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { openChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import { dictOf, parsePlist } from '../../plist/index.ts'
import { makeCertificates } from '../pairing/certificates.ts'
import type { PairRecord } from '../pairing/pair-record.ts'
import { framedPlist } from './wire.ts'

/** What a phone, or who poses as one, shows in TLS. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

/** A pairing with a phone that was never there: the host's record, and the phone's half. Takes a second to make. */
export async function makePairing(
  hostId: string,
  wifiMacAddress?: string,
): Promise<{ record: PairRecord; identity: Identity }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  const certificates = await makeCertificates(pem, Date.UTC(2026, 0, 1))
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const record = {
    ...certificates,
    hostId,
    systemBuid: 'BUID',
    ...(wifiMacAddress !== undefined && { wifiMacAddress }),
  }
  return { record, identity: { certificate: certificates.deviceCertificate, key } }
}

export interface FakePhoneOptions {
  readonly udid: string
  readonly identity: Identity
  /** What it shows on the ports of services; left out: the same. */
  readonly serviceIdentity?: Identity
  /** Answers that differ from a good phone's, by request. */
  readonly answers?: { readonly [request: string]: PlistDict }
}

/** A phone's lockdownd, and one service that echoes, on TCP ports of 127.0.0.1. */
export interface FakePhone extends AsyncDisposable {
  readonly port: number
  /** Every request to lockdownd, in order. */
  readonly asked: PlistDict[]
  /** What was said to the service. */
  readonly heard: Uint8Array[]
}

export async function openFakePhone({
  udid,
  identity,
  serviceIdentity = identity,
  answers = {},
}: FakePhoneOptions): Promise<FakePhone> {
  await using opened = new AsyncDisposableStack()
  const asked: PlistDict[] = []
  const heard: Uint8Array[] = []
  const service = opened.use(
    await listen((socket) => {
      const tls = secure(socket, serviceIdentity)
      tls.on('data', (bytes: Buffer) => {
        heard.push(bytes)
        tls.write(bytes)
      })
    }),
  )
  const good: { readonly [request: string]: PlistDict } = {
    QueryType: { Type: 'com.apple.mobile.lockdown' },
    StartSession: { SessionID: 'x', EnableSessionSSL: true },
    StartService: { Port: service.port, EnableServiceSSL: true },
  }
  const values: PlistDict = { UniqueDeviceID: udid, ProductVersion: '18.5' }
  const serve = async (channel: ByteChannel): Promise<void> => {
    for (;;) {
      const request = await readRequest(channel)
      asked.push(request)
      const name = String(request.Request)
      const value = values[String(request.Key)]
      const answer = answers[name] ?? good[name] ?? (value === undefined ? { Error: 'MissingValue' } : { Value: value })
      await channel.write(framedPlist({ Request: name, ...answer }), { signal: NEVER })
      if (answer.EnableSessionSSL === true) return await serve(openChannel(secure(channel.detach(), identity)))
    }
  }
  const lockdown = opened.use(
    await listen((socket) => {
      serve(openChannel(socket)).catch((error: unknown) => {
        socket.destroy()
        if (!isAppError(error)) throw error
      })
    }),
  )
  const rest = opened.move()
  return { port: lockdown.port, asked, heard, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

async function readRequest(channel: ByteChannel): Promise<PlistDict> {
  const size = Buffer.from(await channel.readExactly(4, { signal: NEVER })).readUInt32BE()
  return dictOf(parsePlist(await channel.readExactly(size, { signal: NEVER }))) ?? {}
}

function secure(stream: ConstructorParameters<typeof TLSSocket>[0], { certificate: cert, key }: Identity): TLSSocket {
  const tls = new TLSSocket(stream, { isServer: true, cert, key, requestCert: true, rejectUnauthorized: false })
  return tls.on('error', () => undefined)
}

async function listen(onSocket: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).once('close', () => sockets.delete(socket)))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
