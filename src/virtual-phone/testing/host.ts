import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { NEVER } from '../../base/abort.ts'
import { concatBytes, fromUtf8 } from '../../base/bytes.ts'
import { type ByteChannel, openChannel } from '../../base/channel.ts'
import { bytesOf, dictOf, encodeXmlPlist, numberOf, type PlistDict, parsePlist } from '../../plist/index.ts'
import { type HostKeys, makeHostKeys } from './certificates.ts'

/** A small host for tests, written from docs/protocol without using the virtual phone's own codecs. */
export async function dialMux(address: string): Promise<ByteChannel> {
  const url = new URL(`tcp://${address}`)
  const socket = connect(Number(url.port), url.hostname)
  return openChannel(socket)
}

/** Little-endian header, XML plist. */
export function muxFrame(message: PlistDict, { tag = 1 }: { tag?: number } = {}): Uint8Array {
  const body = encodeXmlPlist(message)
  const head = Buffer.alloc(16)
  head.writeUInt32LE(16 + body.length, 0)
  head.writeUInt32LE(1, 4)
  head.writeUInt32LE(8, 8)
  head.writeUInt32LE(tag, 12)
  return concatBytes([head, body])
}

export async function readMux(channel: ByteChannel): Promise<{ tag: number; message: PlistDict }> {
  const head = Buffer.from(await channel.readExactly(16, { signal: NEVER }))
  const body = await channel.readExactly(head.readUInt32LE(0) - 16, { signal: NEVER })
  const message = dictOf(parsePlist(body))
  assert(message !== undefined)
  return { tag: head.readUInt32LE(12), message }
}

export async function askMux(channel: ByteChannel, message: PlistDict): Promise<PlistDict> {
  await channel.write(muxFrame(message), { signal: NEVER })
  return (await readMux(channel)).message
}

export async function connectTo(
  address: string,
  { deviceId, port }: { deviceId: number; port: number },
): Promise<ByteChannel> {
  const channel = await dialMux(address)
  const swapped = ((port & 0xff) << 8) | (port >> 8)
  const answer = await askMux(channel, { MessageType: 'Connect', DeviceID: deviceId, PortNumber: swapped })
  assert.equal(answer.Number, 0)
  return channel
}

/** Big-endian size, XML plist: lockdownd and the small services. */
export async function ask(channel: ByteChannel, request: PlistDict): Promise<PlistDict> {
  await tell(channel, request)
  return await hear(channel)
}

export async function tell(channel: ByteChannel, request: PlistDict): Promise<void> {
  const body = encodeXmlPlist(request)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(body.length)
  await channel.write([size, body], { signal: NEVER })
}

export async function hear(channel: ByteChannel): Promise<PlistDict> {
  const size = Buffer.from(await channel.readExactly(4, { signal: NEVER })).readUInt32BE()
  const answer = dictOf(parsePlist(await channel.readExactly(size, { signal: NEVER })))
  assert(answer !== undefined)
  return answer
}

export interface PairedHost {
  readonly keys: HostKeys
  readonly escrowBag: Uint8Array
}

export async function pairWith(lockdown: ByteChannel): Promise<PairedHost> {
  const publicKey = bytesOf((await ask(lockdown, { Request: 'GetValue', Key: 'DevicePublicKey' })).Value)
  assert(publicKey !== undefined)
  const keys = makeHostKeys({ devicePublicKeyPem: fromUtf8(publicKey) })
  const answer = await ask(lockdown, {
    Request: 'Pair',
    PairRecord: keys.record,
    PairingOptions: { ExtendedPairingErrors: true },
    ProtocolVersion: '2',
  })
  const escrowBag = bytesOf(answer.EscrowBag)
  assert(escrowBag !== undefined, `Pair was answered with ${JSON.stringify(answer)}`)
  return { keys, escrowBag }
}

/** StartSession, then TLS as a client that shows the host's certificate, or the root's as libimobiledevice does. */
export async function startSession(
  lockdown: ByteChannel,
  { keys }: PairedHost,
  { show = 'Host' }: { show?: 'Host' | 'Root' } = {},
): Promise<ByteChannel> {
  const { HostID = '', SystemBUID = '' } = keys.record
  const answer = await ask(lockdown, { Request: 'StartSession', HostID, SystemBUID })
  assert.equal(answer.EnableSessionSSL, true)
  return secure(lockdown.detach(), keys, { show })
}

export function secure(
  stream: Duplex,
  keys: HostKeys,
  { show = 'Host' }: { show?: 'Host' | 'Root' } = {},
): ByteChannel {
  const cert = keys.record[`${show}Certificate`]
  assert(cert instanceof Uint8Array)
  const key = show === 'Host' ? keys.hostKeyPem : keys.rootKeyPem
  return openChannel(connectTls({ socket: stream, cert: Buffer.from(cert), key, rejectUnauthorized: false }))
}

/** Starts a service in the session and connects to it. */
export async function startService(
  session: ByteChannel,
  { address, deviceId, keys, service }: { address: string; deviceId: number; keys: HostKeys; service: string },
): Promise<ByteChannel> {
  const answer = await ask(session, { Request: 'StartService', Service: service })
  const port = numberOf(answer.Port)
  assert(port !== undefined, `StartService was answered with ${JSON.stringify(answer)}`)
  const channel = await connectTo(address, { deviceId, port })
  return answer.EnableServiceSSL === true ? secure(channel.detach(), keys) : channel
}

/** Hex with spaces, for golden bytes. */
export function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ''))
}

/**
 * Pairs as a host of ours and leaves the record with the mux server, where tools find it: quicker than a tool that makes keys.
 * The device must trust at once.
 */
export async function pairForTools(address: string, { deviceId, udid }: { deviceId: number; udid: string }) {
  await using lockdown = await connectTo(address, { deviceId, port: 62078 })
  const { keys, escrowBag } = await pairWith(lockdown)
  const record = {
    ...keys.record,
    HostPrivateKey: Buffer.from(keys.hostKeyPem),
    RootPrivateKey: Buffer.from(keys.rootKeyPem),
    EscrowBag: escrowBag,
    WiFiMACAddress: '02:00:00:00:00:01',
  }
  await using mux = await dialMux(address)
  const PairRecordData = encodeXmlPlist(record)
  const saved = await askMux(mux, { MessageType: 'SavePairRecord', PairRecordID: udid, PairRecordData })
  assert.equal(saved.Number, 0)
}
