import type { Duplex } from 'node:stream'
import { type WaitOptions, wireClosed } from '../../base/channel.ts'
import { randomUuid } from '../../base/random.ts'
import type { PlistDict } from '../../plist/index.ts'
import { attachedTwice } from '../errors.ts'
import { type AddressLayout, encodeNetworkAddress } from './network-address.ts'

/** What a mux server needs of a phone. */
export interface PhoneOnMux {
  readonly udid: string
  /** USB product ID. */
  readonly productId: number
  /** Where it is, if it is reached over the network instead of a cable. */
  readonly network?: NetworkPlace
  /**
   * What serves a connection to that port; undefined if nothing listens there. A port of StartService is used up by asking.
   * The server owns the stream it is given, and destroys it when it rejects.
   */
  connect(port: number): ServeConnection | undefined
}

export interface NetworkPlace {
  /** IPv4. */
  readonly address: string
  /** Its whole name in DNS-SD. */
  readonly serviceName: string
}

export type ServeConnection = (stream: Duplex, options: WaitOptions) => Promise<void>

/** A phone in a socket, so to speak: plugged in again, it has another ID. */
export interface Attachment {
  readonly deviceId: number
  readonly phone: PhoneOnMux
  /** Fires when the phone is detached. */
  readonly signal: AbortSignal
}

export interface MuxListener {
  readonly progName: string
  readonly bundleId: string | undefined
  tell(event: PlistDict): void
}

/** Records of more hosts than a machine ever has phones for; a client that saves more is refused. */
const PAIR_RECORDS_MAX = 1000

/** The state that all clients of one mux server share: phones, pair records, and who listens. */
export class MuxHub {
  readonly buid = randomUuid()
  readonly #layout: AddressLayout
  readonly #attachments = new Map<number, Attachment & { readonly pull: AbortController }>()
  readonly #pairRecords = new Map<string, Uint8Array>()
  readonly #listeners = new Set<MuxListener>()
  #deviceIdNext = 1

  constructor({ networkAddressLayout }: { networkAddressLayout: AddressLayout }) {
    this.#layout = networkAddressLayout
  }

  get attachments(): readonly Attachment[] {
    return [...this.#attachments.values()]
  }

  get listeners(): readonly MuxListener[] {
    return [...this.#listeners]
  }

  find(deviceId: number | undefined): Attachment | undefined {
    return deviceId === undefined ? undefined : this.#attachments.get(deviceId)
  }

  /** Throws `virtual-phone.attached-twice`. */
  attach(phone: PhoneOnMux): number {
    if (this.attachments.some((other) => isSamePlace(other.phone, phone))) throw attachedTwice(phone.udid)
    const pull = new AbortController()
    const attachment = { deviceId: this.#deviceIdNext++, phone, signal: pull.signal, pull }
    this.#attachments.set(attachment.deviceId, attachment)
    this.#tellAll(this.attachedEvent(attachment))
    return attachment.deviceId
  }

  /** Ends all connections of the phone. Nothing happens if it is not attached. */
  detach(phone: PhoneOnMux): void {
    for (const attachment of this.#attachments.values()) {
      if (attachment.phone !== phone) continue
      this.#attachments.delete(attachment.deviceId)
      attachment.pull.abort(wireClosed(`The phone ${phone.udid} was detached`))
      this.#tellAll({ MessageType: 'Detached', DeviceID: attachment.deviceId })
    }
  }

  /** The listener is told of the phones that are here already, then of every change; the returned function ends that. */
  listen(listener: MuxListener): () => void {
    for (const attachment of this.attachments) listener.tell(this.attachedEvent(attachment))
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The record exactly as a host saved it. */
  pairRecord(id: string): Uint8Array | undefined {
    return this.#pairRecords.get(id)
  }

  /** False if there is no room. */
  savePairRecord(id: string, record: Uint8Array, { deviceId }: { deviceId: number | undefined }): boolean {
    if (this.#pairRecords.size >= PAIR_RECORDS_MAX && !this.#pairRecords.has(id)) return false
    this.#pairRecords.set(id, record)
    const attachment = this.find(deviceId)
    if (attachment !== undefined) this.#tellAll({ MessageType: 'Paired', DeviceID: attachment.deviceId })
    return true
  }

  deletePairRecord(id: string): boolean {
    return this.#pairRecords.delete(id)
  }

  /** How a phone is announced, and listed. Source: docs/protocol/usbmux.md#properties */
  attachedEvent({ deviceId, phone }: Attachment): PlistDict {
    const { network } = phone
    const way = network === undefined ? cableProperties(deviceId, phone) : networkProperties(network, this.#layout)
    return {
      MessageType: 'Attached',
      DeviceID: deviceId,
      Properties: { ...way, DeviceID: deviceId, SerialNumber: phone.udid },
    }
  }

  #tellAll(event: PlistDict): void {
    for (const listener of this.#listeners) listener.tell(event)
  }
}

/** A phone is there once on a cable and once on the network, at most. */
function isSamePlace(one: PhoneOnMux, other: PhoneOnMux): boolean {
  return one.udid === other.udid && (one.network === undefined) === (other.network === undefined)
}

function cableProperties(deviceId: number, phone: PhoneOnMux): PlistDict {
  return {
    ConnectionSpeed: 480_000_000,
    ConnectionType: 'USB',
    LocationID: (1 << 20) + deviceId,
    ProductID: phone.productId,
  }
}

function networkProperties({ address, serviceName }: NetworkPlace, layout: AddressLayout): PlistDict {
  return {
    ConnectionType: 'Network',
    EscapedFullServiceName: serviceName,
    InterfaceIndex: 0,
    NetworkAddress: encodeNetworkAddress(address, layout),
  }
}
