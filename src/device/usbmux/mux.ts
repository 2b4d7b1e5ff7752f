import { once } from 'node:events'
import { connect } from 'node:net'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { badFrame, openChannel } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import { isSystemError } from '../../base/errors.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { arrayOf, bytesOf, dictOf, numberOf, textOf } from '../../plist/index.ts'
import { deviceError, deviceGone, notAnswering } from '../errors.ts'
import { withinTime } from '../time-limit.ts'
import { udidOf } from '../udid.ts'
import type { MuxAddress } from './address.ts'
import { formatMuxAddress } from './address.ts'
import { readMuxMessage, swapPort, writeMuxMessage } from './frame.ts'
import { decodeNetworkAddress } from './network-address.ts'

/** A usbmuxd to ask. Nothing stays open between questions: each makes a connection of its own, as usbmuxd's clients do. */
export interface Mux {
  readonly address: MuxAddress
  readonly clock: Clock
}

/** One way to one phone: the same phone by cable and by Wi-Fi is listed twice, and a replug gives a new `deviceId`. */
export interface MuxDevice {
  readonly deviceId: number
  readonly udid: string
  readonly transport: 'usb' | 'wifi'
  /** Wi-Fi only, and not from every daemon. */
  readonly networkAddress?: string
}

export type MuxEvent =
  | { readonly kind: 'attached'; readonly device: MuxDevice }
  | { readonly kind: 'detached'; readonly deviceId: number }
  /** A pair record for this phone was saved, maybe by another program. */
  | { readonly kind: 'paired'; readonly deviceId: number }

/** A stuck daemon must not hold anybody up for longer; libusbmuxd waits 5 s, and Connect may wait for the phone. */
const ANSWER_MS_MAX = 15_000
const TAG = 1

/** Every way to every phone that usbmuxd knows now. Entries that name no phone are left out. */
export async function listDevices(mux: Mux, { signal }: WaitOptions): Promise<readonly MuxDevice[]> {
  const answer = await askOnce(mux, { MessageType: 'ListDevices' }, { signal })
  const list = arrayOf(answer.DeviceList)
  if (list === undefined) throw refused('ListDevices', answer)
  return list.map(deviceOf).filter((device) => device !== undefined)
}

/**
 * Opens a stream to a TCP port on the phone. The caller closes it. Throws `device.port-closed` when nothing listens there,
 * `device.gone` when the phone has left.
 */
export async function connectDevice(
  mux: Mux,
  { deviceId, port }: { deviceId: number; port: number },
  { signal }: WaitOptions,
): Promise<ByteChannel> {
  return inTime(mux, signal, async (signal) => {
    await using stack = new AsyncDisposableStack()
    const channel = stack.use(await dialMux(mux.address, { signal }))
    const answer = await exchange(channel, connectRequest({ deviceId, port }), { signal })
    const code = numberOf(answer.Number)
    if (code !== 0) throw connectRefused(code, { deviceId, port })
    stack.move()
    return channel
  })
}

/** The request that turns a connection into a stream to the phone; the port is byte-swapped. */
export function connectRequest({ deviceId, port }: { deviceId: number; port: number }): PlistDict {
  return { MessageType: 'Connect', DeviceID: deviceId, PortNumber: swapPort(port) }
}

/** The id of this host, one per installation of usbmuxd; part of every pair record. */
export async function readBuid(mux: Mux, { signal }: WaitOptions): Promise<string> {
  const answer = await askOnce(mux, { MessageType: 'ReadBUID' }, { signal })
  const buid = textOf(answer.BUID)
  if (buid === undefined) throw refused('ReadBUID', answer)
  return buid
}

/** The pair record file that usbmuxd keeps for a phone; undefined when it has none. */
export async function readPairRecordData(
  mux: Mux,
  udid: string,
  { signal }: WaitOptions,
): Promise<Uint8Array | undefined> {
  const answer = await askOnce(mux, { MessageType: 'ReadPairRecord', PairRecordID: udid }, { signal })
  return bytesOf(answer.PairRecordData)
}

/** Hands usbmuxd a pair record file to keep; with a `deviceId` its listeners hear of it. */
export async function savePairRecordData(
  mux: Mux,
  { udid, data, deviceId }: { udid: string; data: Uint8Array; deviceId?: number },
  { signal }: WaitOptions,
): Promise<void> {
  const device = deviceId === undefined ? {} : { DeviceID: deviceId }
  const request = { MessageType: 'SavePairRecord', PairRecordID: udid, PairRecordData: data, ...device }
  const answer = await askOnce(mux, request, { signal })
  if (numberOf(answer.Number) !== 0) throw refused('SavePairRecord', answer)
}

/** Makes usbmuxd forget a phone; only ever because a person said so. Missing is no failure. */
export async function deletePairRecordData(mux: Mux, udid: string, { signal }: WaitOptions): Promise<void> {
  await askOnce(mux, { MessageType: 'DeletePairRecord', PairRecordID: udid }, { signal })
}

/**
 * Phones coming and going, the present ones first, until the signal fires or usbmuxd ends the connection (`wire.closed`);
 * reconnecting is the caller's. Kinds of events not known here are skipped.
 */
export async function* watchDevices(mux: Mux, { signal }: WaitOptions): AsyncGenerator<MuxEvent> {
  await using stack = new AsyncDisposableStack()
  const channel = await inTime(mux, signal, async (signal) => {
    const channel = stack.use(await dialMux(mux.address, { signal }))
    const answer = await exchange(channel, { MessageType: 'Listen' }, { signal })
    if (numberOf(answer.Number) !== 0) throw refused('Listen', answer)
    return channel
  })
  for (;;) {
    const event = eventOf((await readMuxMessage(channel, { signal })).body)
    if (event !== undefined) yield event
  }
}

function eventOf(body: PlistDict): MuxEvent | undefined {
  const deviceId = numberOf(body.DeviceID)
  const device = body.MessageType === 'Attached' ? deviceOf(body) : undefined
  if (device !== undefined) return { kind: 'attached', device }
  if (deviceId === undefined) return undefined
  if (body.MessageType === 'Detached') return { kind: 'detached', deviceId }
  return body.MessageType === 'Paired' ? { kind: 'paired', deviceId } : undefined
}

function deviceOf(entry: Plist): MuxDevice | undefined {
  const dict = dictOf(entry)
  const properties = dictOf(dict?.Properties)
  const deviceId = numberOf(dict?.DeviceID) ?? numberOf(properties?.DeviceID)
  const udid = udidOf(textOf(properties?.SerialNumber))
  if (deviceId === undefined || udid === undefined) return undefined
  const blob = bytesOf(properties?.NetworkAddress)
  const networkAddress = blob === undefined ? undefined : decodeNetworkAddress(blob)
  const transport = properties?.ConnectionType === 'Network' ? 'wifi' : 'usb'
  return { deviceId, udid, transport, ...(networkAddress !== undefined && { networkAddress }) }
}

async function askOnce(mux: Mux, request: PlistDict, { signal }: WaitOptions): Promise<PlistDict> {
  return inTime(mux, signal, async (signal) => {
    await using channel = await dialMux(mux.address, { signal })
    return await exchange(channel, request, { signal })
  })
}

async function exchange(channel: ByteChannel, request: PlistDict, options: WaitOptions): Promise<PlistDict> {
  const client = { ClientVersionString: 'phonekeep', ProgName: 'phonekeep', kLibUSBMuxVersion: 3 }
  await writeMuxMessage(channel, { tag: TAG, body: { ...client, ...request } }, options)
  const { tag, body } = await readMuxMessage(channel, options)
  if (tag !== TAG) throw badFrame(`usbmuxd answered question ${tag} instead of ${TAG}`)
  return body
}

function inTime<Value>(mux: Mux, signal: AbortSignal, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const late = () => notAnswering(`usbmuxd at ${formatMuxAddress(mux.address)}`, ANSWER_MS_MAX / 1000)
  return withinTime({ ms: ANSWER_MS_MAX, clock: mux.clock, late, signal }, work)
}

async function dialMux(address: MuxAddress, { signal }: WaitOptions): Promise<ByteChannel> {
  signal.throwIfAborted()
  const socket = address.kind === 'socket' ? connect(address.path) : connect(address.port, address.host)
  try {
    await once(socket, 'connect', { signal })
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw noUsbmuxd(address, error)
  }
  return openChannel(socket.setNoDelay(true))
}

function noUsbmuxd(address: MuxAddress, cause: unknown): Error {
  const why = isSystemError(cause) ? ` (${cause.code})` : ''
  return deviceError('device.no-usbmuxd', `No usbmuxd answers at ${formatMuxAddress(address)}${why}`, {
    remedy: 'Install and start usbmuxd, or say where it listens; in a container, share its socket with the container',
    cause,
  })
}

function connectRefused(code: number | undefined, { deviceId, port }: { deviceId: number; port: number }): Error {
  if (code === 2) return deviceGone(`usbmuxd no longer knows phone ${deviceId}`)
  return deviceError('device.port-closed', `The phone did not take a connection to port ${port} (result ${code})`, {
    remedy: 'Unlock the phone and try again; if it stays so, restart the phone',
  })
}

function refused(asked: string, answer: PlistDict): Error {
  const saw = `usbmuxd refused ${asked} (result ${numberOf(answer.Number) ?? 'unknown'})`
  return deviceError('device.usbmuxd-refused', saw, { remedy: 'Restart usbmuxd, and update it if it is old' })
}
